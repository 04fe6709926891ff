#include "authd/query_text.h"

#include <string.h>

#define VALUE_MOST 65536

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct slice
trim(struct slice s)
{
	while (s.len > 0 && is_space(s.data[0]))
		s = slice_from(s, 1);
	while (s.len > 0 && is_space(s.data[s.len - 1]))
		s.len--;
	return s;
}

/* "name = value" */
static const char *
add_entry(struct query_text *t, struct slice line, size_t number)
{
	size_t equals = slice_find(line, '=');
	struct slice name = trim(slice_first(line, equals));
	if (equals == line.len || name.len == 0)
		return "a line must be: name = value";
	if (t->count == QUERY_ENTRIES_MOST)
		return "too many lines";
	struct query_entry *e = &t->entries[t->count++];
	*e = (struct query_entry){.name = STR_MOST(64), .value = STR_MOST(VALUE_MOST), .line = number};
	if (!str_set(&e->name, name) || !str_set(&e->value, trim(slice_from(line, equals + 1))))
		return "the line is too long";
	return NULL;
}

/* White space at its beginning: the line goes on with the one before. */
static const char *
continue_entry(struct query_text *t, struct slice line)
{
	if (t->count == 0)
		return "the first line begins with white space";
	struct str *value = &t->entries[t->count - 1].value;
	struct slice more = trim(line);
	if (value->len > 0)
		str_append_byte(value, ' ');
	return str_append_slice(value, more) ? NULL : "the value is too long";
}

const char *
query_text_parse(struct query_text *t, struct slice text, size_t *line)
{
	t->count = 0;
	*line = 0;
	for (struct slice one; slice_split(&text, '\n', &one);) {
		++*line;
		struct slice content = trim(one);
		if (slice_has(one, '\0'))
			return "the line holds a NUL byte";
		if (content.len == 0 || content.data[0] == '#')
			continue;
		const char *problem = is_space(one.data[0]) ? continue_entry(t, one) : add_entry(t, content, *line);
		if (problem != NULL)
			return problem;
	}
	return NULL;
}

void
query_text_free(struct query_text *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct str *value = &t->entries[i].value;
		if (value->data != NULL)
			explicit_bzero(value->data, value->room);
		str_free(&t->entries[i].name);
		str_free(value);
	}
	t->count = 0;
}

const struct query_entry *
query_text_find(const struct query_text *t, const char *name)
{
	for (size_t i = t->count; i > 0; i--)
		if (slice_is(str_slice(&t->entries[i - 1].name), name))
			return &t->entries[i - 1];
	return NULL;
}
