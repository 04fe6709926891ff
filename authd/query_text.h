/*
 * The lines of a query file: "name = value", comments, continued lines. In
 * Postfix's form a line goes on with the next when that begins with white
 * space; in Dovecot's when it ends with a backslash, a # outside quotes begins a
 * comment anywhere, and quotes around a whole value are taken away.
 */
#ifndef AUTHD_QUERY_TEXT_H
#define AUTHD_QUERY_TEXT_H

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define QUERY_ENTRIES_MOST 64

struct query_entry {
	struct str name, value;
	size_t     line; /* where it begins */
};

struct query_text {
	size_t             count;
	struct query_entry entries[QUERY_ENTRIES_MOST];
};

/* NULL, or what is wrong, with its line. Free it in both cases. */
const char *query_text_parse(struct query_text *t, struct slice text, size_t *line);
const char *query_text_parse_dovecot(struct query_text *t, struct slice text, size_t *line);
void query_text_free(struct query_text *t);
/* The entry of that name (the last one counts, as in Postfix), or NULL. */
const struct query_entry *query_text_find(const struct query_text *t, const char *name);

#endif
