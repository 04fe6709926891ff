/*
 * Scratch memory: taken piece by piece while a command is parsed and carried
 * out, given back in one step when it is done. Command code frees nothing by
 * hand, and one cap holds for all that a command may make the process hold.
 */
#ifndef IMAPD_SCRATCH_H
#define IMAPD_SCRATCH_H

#include <stddef.h>

#include "lib/base/slice.h"

struct scratch_block;

struct scratch {
	struct scratch_block *first; /* the newest */
	size_t                used;  /* bytes handed out since scratch_clear() */
	size_t                limit;
};

#define SCRATCH_MOST(most) ((struct scratch){.limit = (most)})

/* `size` zeroed bytes, aligned for any type. NULL beyond the limit or without memory. */
void *scratch_take(struct scratch *s, size_t size);
/* The same for `count` elements; NULL on overflow too. */
void *scratch_take_array(struct scratch *s, size_t count, size_t size);
/* A copy that ends in a NUL, or NULL. */
char *scratch_copy(struct scratch *s, struct slice text);
/* Gives all of it back. */
void scratch_clear(struct scratch *s);

#endif
