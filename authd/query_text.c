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

/* --- Dovecot's form ------------------------------------------------------------------ */

/* The position behind a quoted text that begins at `at`. */
static size_t
behind_quote(struct slice line, size_t at)
{
	char quote = line.data[at++];
	while (at < line.len && line.data[at] != quote)
		at += line.data[at] == '\\' ? 2 : 1;
	return at < line.len ? at + 1 : line.len;
}

static struct slice
without_comment(struct slice line)
{
	size_t at = 0;
	while (at < line.len && line.data[at] != '#')
		at = line.data[at] == '\'' || line.data[at] == '"' ? behind_quote(line, at) : at + 1;
	return trim(slice_first(line, at));
}

/* "value" and 'value', with a backslash before a quote within. */
static bool
unquote(struct str *value)
{
	struct slice v = str_slice(value);
	if (v.len < 2 || (v.data[0] != '"' && v.data[0] != '\'') || behind_quote(v, 0) != v.len || v.data[v.len - 1] != v.data[0])
		return true;
	struct str plain = STR_MOST(VALUE_MOST);
	for (size_t i = 1; i + 1 < v.len; i++) {
		i += v.data[i] == '\\' && i + 2 < v.len;
		str_append_byte(&plain, v.data[i]);
	}
	bool ok = !plain.failed && str_set(value, str_slice(&plain));
	if (plain.data != NULL)
		explicit_bzero(plain.data, plain.room);
	str_free(&plain);
	return ok;
}

static const char *
add_joined(struct query_text *t, const struct str *joined, size_t begin)
{
	const char *problem = add_entry(t, str_slice(joined), begin);
	if (problem == NULL && !unquote(&t->entries[t->count - 1].value))
		problem = "no memory";
	return problem;
}

/* `joined` is the line so far, over all lines that a backslash joined, and began at `*begin`. */
static const char *
take_dovecot_line(struct query_text *t, struct slice one, size_t number, struct str *joined, size_t *begin)
{
	struct slice content = trim(one);
	if (slice_has(one, '\0'))
		return "the line holds a NUL byte";
	if (content.len == 0 || content.data[0] == '#')
		return NULL;
	content = without_comment(content);
	if (*begin == 0)
		*begin = number;
	bool goes_on = slice_ends(content, "\\");
	if (!str_append_slice(joined, slice_first(content, content.len - goes_on)))
		return "the line is too long";
	if (goes_on)
		return NULL;
	const char *problem = add_joined(t, joined, *begin);
	str_clear(joined);
	*begin = 0;
	return problem;
}

const char *
query_text_parse_dovecot(struct query_text *t, struct slice text, size_t *line)
{
	struct str joined = STR_MOST(VALUE_MOST);
	const char *problem = NULL;
	size_t begin = 0; /* of a line that goes on; 0: none does */
	t->count = 0;
	*line = 0;
	for (struct slice one; problem == NULL && slice_split(&text, '\n', &one);)
		problem = take_dovecot_line(t, one, ++*line, &joined, &begin);
	if (problem == NULL && begin > 0)
		problem = add_joined(t, &joined, begin);
	if (joined.data != NULL)
		explicit_bzero(joined.data, joined.room);
	str_free(&joined);
	return problem;
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
