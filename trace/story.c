#include "trace/story.h"

#include <stdlib.h>
#include <string.h>

#include "trace/memory.h"

/* A slice of `line`, in its copy. */
static struct slice
moved(struct slice part, const char *line, const char *copy)
{
	return slice_make(copy + (part.data - line), part.len);
}

void
story_add(struct story *s, struct slice line, const struct entry *e)
{
	if (s->count == s->room)
		s->lines = memory_grow(s->lines, &s->room, sizeof *s->lines);
	size_t room = 0;
	char *copy = memory_grow(NULL, &room, line.len / 16 + 1);
	memcpy(copy, line.data, line.len);
	struct told *t = &s->lines[s->count];
	*t = (struct told){.entry = *e, .place = s->count, .line = copy};
	t->entry.program = moved(e->program, line.data, copy);
	t->entry.level = moved(e->level, line.data, copy);
	t->entry.event = moved(e->event, line.data, copy);
	t->entry.fields = moved(e->fields, line.data, copy);
	s->count++;
}

void
story_forget(struct story *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->lines[i].line);
	s->count = 0;
}

static int
by_time(const void *a, const void *b)
{
	const struct told *x = a, *y = b;
	if (x->entry.time != y->entry.time)
		return x->entry.time < y->entry.time ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

void
story_sort(struct story *s)
{
	if (s->count > 0)
		qsort(s->lines, s->count, sizeof *s->lines, by_time);
}
