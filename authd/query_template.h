/*
 * An administrator's query with placeholders, turned into a prepared statement:
 *
 *     SELECT maildir FROM mailbox WHERE username = '%s' AND x LIKE '%d%%'
 *     SELECT maildir FROM mailbox WHERE username = ?    AND x LIKE ?
 *
 * and for each ? how its value is made. So no key can change a statement
 * (promise 13). A placeholder where no value can be bound (a table's name, a
 * part of a name, a comment) is refused.
 */
#ifndef AUTHD_QUERY_TEMPLATE_H
#define AUTHD_QUERY_TEMPLATE_H

#include "authd/expansion.h"
#include "authd/query_access.h"

#define PARAMETERS_MOST 32

struct query_template {
	struct str       sql;
	size_t           count;
	struct expansion parameters[PARAMETERS_MOST];
	size_t           places[PARAMETERS_MOST]; /* of their ? in `sql`: there may be others, in quoted texts and comments */
};

/* NULL, or what cannot be done. Free it in both cases. */
const char *query_template_parse(struct query_template *t, enum query_dialect dialect, struct slice query);
/*
 * The statement for values that are compared byte by byte, whatever the columns' collations take for the same: where
 * `exactly[i]`, parameter i is given utf8mb4_bin. False: no memory.
 */
bool query_template_exact(const struct query_template *t, const bool *exactly, struct str *sql);
void query_template_free(struct query_template *t);
/* Whether the service or the client's address is a parameter. */
bool query_template_uses_client(const struct query_template *t);
/* Whether it asks about the key's domain, and about nothing else of it. */
bool query_template_is_of_domain(const struct query_template *t);

#endif
