/*
 * The message while it is read: in memory, a large one in a file without a
 * name. Only when it is there as a whole does the queue hear of it: then its size
 * and whether it has 8-bit text are known, and a caller that dies leaves nothing.
 */
#ifndef QUEUE_SENDMAIL_SPOOL_H
#define QUEUE_SENDMAIL_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "lib/ipc/submit.h"
#include "queue/sendmail_header.h"

struct spool {
	struct str memory;    /* its beginning: the header, as far as it is looked at */
	FILE      *rest;      /* what is behind it; NULL: nothing */
	uint64_t   size;
	bool       eight_bit;
};

#define SPOOL_MEMORY (2u << 20)
#define SPOOL_START  ((struct spool){.memory = {.limit = SPOOL_MEMORY}})

/* False with errno: no memory, or no file could be made or written. */
bool spool_add(struct spool *s, struct slice bytes);
/* Its header; false: it is longer than is looked at. */
bool spool_header(const struct spool *s, struct slice *header);
/* Hands it over, with its header as header_write() has it, and commits. Not done: why. */
struct outcome spool_submit(struct spool *s, const struct writer *w, struct submission *to);
void spool_end(struct spool *s);

#endif
