#include "authd/query_explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Appends the line, control characters replaced; cut where there is no more room. */
static void
add_line(struct explanation *x, struct slice line)
{
	size_t room = x->lines.limit - x->lines.len;
	if (room < 2)
		return;
	line = slice_first(line, room - 1);
	for (size_t i = 0; i < line.len; i++)
		str_append_byte(&x->lines, (unsigned char)line.data[i] < ' ' || line.data[i] == 0x7f ? '?' : line.data[i]);
	str_append_byte(&x->lines, '\n');
}

void
explain(struct explanation *x, const char *format, ...)
{
	if (x == NULL)
		return;
	char *line;
	va_list args;
	va_start(args, format);
	int len = vasprintf(&line, format, args);
	va_end(args);
	if (len < 0)
		return;
	add_line(x, slice_make(line, (size_t)len));
	free(line);
}

void
explain_query(struct explanation *x, const struct query_file *q, const struct str *values)
{
	if (x == NULL)
		return;
	explain(x, "query: %s", str_text(&q->query.sql));
	struct str with = STR_MOST(EXPLANATION_MOST);
	for (size_t i = 0; i < q->query.count; i++)
		str_append_format(&with, "%s'%s'", i == 0 ? "with: " : ", ", str_text(&values[i]));
	if (with.len > 0)
		add_line(x, str_slice(&with));
	str_free(&with);
}

int64_t
explain_begin(const struct explanation *x)
{
	struct timespec t = {0};
	if (x != NULL)
		clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- no row ---------------------------------------------------------------------------- */

/* The position of a word between blanks, or the end. */
static size_t
find_word(struct slice text, const char *word)
{
	size_t len = strlen(word);
	for (size_t i = 0; i + len + 1 < text.len; i++)
		if (text.data[i] == ' ' && text.data[i + 1 + len] == ' ' && slice_is_nocase(slice_make(text.data + i + 1, len), word))
			return i;
	return text.len;
}

/* A condition on the row itself: no parameter in it, and compared with something fixed or a switch alone. */
static bool
is_condition_of_row(struct slice condition)
{
	bool fixed = false;
	for (size_t i = 0; i < condition.len; i++)
		fixed = fixed || strchr("'\"0123456789", condition.data[i]) != NULL;
	return condition.len > 0 && !slice_has(condition, '?') && (fixed || !slice_has(condition, '='));
}

/* active = '1' and the like: an account that is there but switched off looks as if it were not. */
static void
explain_conditions(struct explanation *x, struct slice sql)
{
	size_t where = find_word(sql, "where");
	struct slice rest = slice_from(sql, where < sql.len ? where + 7 : sql.len);
	struct str list = STR_MOST(EXPLANATION_MOST);
	while (rest.len > 0) {
		size_t end = find_word(rest, "and");
		struct slice condition = slice_trim(slice_first(rest, end));
		rest = slice_from(rest, end + 5);
		if (!is_condition_of_row(condition))
			continue;
		if (list.len > 0)
			str_append_text(&list, " and ");
		str_append_slice(&list, condition);
	}
	if (list.len > 0)
		explain(x, "no row: is it there, and does it fulfil: %s?", str_text(&list));
	str_free(&list);
}

void
explain_rows(struct explanation *x, const struct query_file *q, size_t rows, int64_t began)
{
	if (x == NULL)
		return;
	explain(x, "%zu row%s in %.1f ms", rows, rows == 1 ? "" : "s", (double)(explain_begin(x) - began) / 1000);
	if (rows == 0)
		explain_conditions(x, str_slice(&q->query.sql));
}

/* --- a password -------------------------------------------------------------------------- */

/* crypt(5): how a hash begins, its Dovecot name, and the characters behind its last $ when it is whole. */
static const struct {
	const char *prefix, *scheme;
	size_t      tail;
} hashes[] = {
    {"$1$", "MD5-CRYPT", 22},
    {"$2a$", "BLF-CRYPT", 53},
    {"$2b$", "BLF-CRYPT", 53},
    {"$2x$", "BLF-CRYPT", 53},
    {"$2y$", "BLF-CRYPT", 53},
    {"$5$", "SHA256-CRYPT", 43},
    {"$6$", "SHA512-CRYPT", 86},
    {"$7$", "scrypt", 43},
    {"$y$", "YESCRYPT", 43},
    {"$gy$", "gost-yescrypt", 43},
};

static void
find_hash(struct slice hash, const char **scheme, bool *cut)
{
	*scheme = hash.len == 13 ? "perhaps DES-CRYPT, no scheme is named" : "no scheme is named";
	*cut = false;
	for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
		if (!slice_starts(hash, hashes[i].prefix))
			continue;
		*scheme = hashes[i].scheme;
		*cut = hash.len - slice_find_last(hash, '$') - 1 < hashes[i].tail;
	}
}

void
explain_password(struct explanation *x, struct slice password, uint64_t holds)
{
	if (x == NULL)
		return;
	struct str line = STR_MOST(EXPLANATION_MOST);
	const char *scheme;
	bool cut;
	size_t end = slice_starts(password, "{") ? slice_find(password, '}') : password.len;
	bool named = end < password.len;
	find_hash(named ? slice_from(password, end + 1) : password, &scheme, &cut);
	str_append_format(&line, "password: ");
	if (named)
		str_append_slice(&line, slice_first(password, end + 1));
	else
		str_append_text(&line, password.len == 0 ? "empty" : scheme);
	str_append_format(&line, ", %zu characters", password.len);
	if (holds > 0)
		str_append_format(&line, "; the column holds at most %llu", (unsigned long long)holds);
	add_line(x, str_slice(&line));
	str_free(&line);
	if (cut)
		explain(x, "the hash (%s) looks cut: %s", scheme, holds == password.len ?
		    "the column is too short for it; make it longer and set the password anew" : "set the password anew");
}
