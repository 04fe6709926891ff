#include "authd/logical_lines.h"

#include <string.h>

void
logical_lines_begin(struct logical_lines *l, struct slice text)
{
	*l = (struct logical_lines){.rest = text, .line = STR_MOST(text.len)};
}

static bool
fail(struct logical_lines *l, const char *wrong)
{
	l->number = l->read;
	l->wrong = wrong;
	return false;
}

/* The next physical line that counts. */
static bool
next_physical(struct logical_lines *l, struct slice *line)
{
	while (slice_split(&l->rest, '\n', line)) {
		l->read++;
		if (slice_ends(*line, "\r"))
			line->len--;
		struct slice content = slice_trim(*line);
		if (content.len > 0 && content.data[0] != '#')
			return true;
	}
	return false;
}

bool
logical_lines_next(struct logical_lines *l)
{
	struct slice line, before = l->rest;
	size_t read = l->read;
	str_clear(&l->line);
	for (; next_physical(l, &line); before = l->rest, read = l->read) {
		bool goes_on = line.data[0] == ' ' || line.data[0] == '\t';
		if (goes_on && l->line.len == 0)
			return fail(l, "it begins with white space, and there is no line before");
		if (!goes_on && l->line.len > 0) {
			/* It is the next one's. */
			l->rest = before;
			l->read = read;
			return true;
		}
		if (!goes_on)
			l->number = l->read;
		if (!str_append_slice(&l->line, line))
			return fail(l, "no memory");
	}
	return l->line.len > 0;
}

void
logical_lines_end(struct logical_lines *l)
{
	if (l->line.data != NULL)
		explicit_bzero(l->line.data, l->line.room);
	str_free(&l->line);
}
