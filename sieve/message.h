/* What a script can ask about: the envelope, the header, the size. */
#ifndef SIEVE_MESSAGE_H
#define SIEVE_MESSAGE_H

#include <stdint.h>

#include "sieve/memory.h"

struct sieve_field {
	struct slice name;
	struct slice raw;  /* as it stands in the message */
	struct slice text; /* unfolded, encoded words as UTF-8; data NULL: not asked for yet */
};

struct sieve_message {
	struct slice sender;     /* "" for the null sender */
	struct slice recipient;  /* as the sender wrote it */
	struct slice address;    /* the mailbox that it came to */
	const char  *delimiters; /* what parts user and detail of an address */
	uint64_t     size;
	struct sieve_field *fields;
	size_t              count;
};

/* Reads the header, which must live as long. False when there is no memory. */
bool sieve_message_read(struct sieve_message *m, struct slice header, struct sieve_memory *memory);
/* The first field of that name at `from` or behind it (case does not matter): its place, or m->count. */
size_t sieve_message_find(const struct sieve_message *m, struct slice name, size_t from);
/* The text of a field; false when there is no memory. */
bool sieve_message_text(struct sieve_field *f, struct sieve_memory *memory, struct slice *text);

#endif
