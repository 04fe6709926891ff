/* Memory of one run of a script: taken in pieces, given back all at once, never more than a limit. */
#ifndef SIEVE_MEMORY_H
#define SIEVE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"

#define SIEVE_MEMORY_MOST (12u << 20)

struct sieve_chunk;

struct sieve_memory {
	struct sieve_chunk *chunks;
	size_t              used;   /* bytes of all chunks */
	bool                failed; /* once something was refused */
};

/* Zeroed, aligned for anything. NULL over the limit, or when there is none. */
void *sieve_take(struct sieve_memory *m, size_t size);
/* A copy of the bytes; data NULL when there is no memory. */
struct slice sieve_keep(struct sieve_memory *m, struct slice bytes);
/* Gives all back. */
void sieve_memory_free(struct sieve_memory *m);

#endif
