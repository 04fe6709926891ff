/*
 * Ids of queue files. An id is one number: microseconds since 1970 in the high
 * 54 bits, a mark of the intake that made it in the low 10. As text it is 13
 * letters whose order is the order of time.
 */
#ifndef QUEUE_ID_H
#define QUEUE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define ID_LETTERS 13

/* One per intake process. */
struct id_source {
	uint64_t last; /* microsecond of the last id */
	uint64_t mark; /* 10 bits: another intake makes other ids, wherever the clock has jumped in between */
};

/* `start` is the number of this start (queue_directory_count_start()): a mark comes again after 1024 of them. */
void id_source_begin(struct id_source *s, uint64_t start);
/* A new id: later than all before it from this source, whatever the clock does. */
uint64_t id_next(struct id_source *s);

/* Writes ID_LETTERS letters and a NUL. */
void id_print(uint64_t id, char text[ID_LETTERS + 1]);
bool id_parse(struct slice text, uint64_t *id);
/* When it was made: microseconds since 1970. */
uint64_t id_time(uint64_t id);

#endif
