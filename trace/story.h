/* The lines that were found, in the order of their time, and the ways to tell them. */
#ifndef TRACE_STORY_H
#define TRACE_STORY_H

#include <stddef.h>

#include "trace/entry.h"

struct told {
	struct entry entry;
	size_t       place; /* in the files: keeps the order of lines of the same time */
	char        *line;
};

struct story {
	struct told *lines;
	size_t       count, room;
};

/* Keeps a copy of a line. */
void story_add(struct story *s, struct slice line, const struct entry *e);
void story_forget(struct story *s);
/* By time. */
void story_sort(struct story *s);

/* One line for each, in words; then what became of each message's recipients. */
void story_print(struct story *s);
/* One JSON object a line. */
void story_print_json(const struct story *s);

#endif
