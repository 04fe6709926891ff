/*
 * Dovecot's dovecot-sql.conf.ext: one file with several queries, of which a map
 * uses one: password_query for logins, user_query for mailboxes and quotas.
 * Names: driver, connect, default_pass_scheme, password_query, user_query, and
 * iterate_query, which nothing here needs. Its own documentation: "SQL".
 */
#ifndef AUTHD_QUERY_DOVECOT_H
#define AUTHD_QUERY_DOVECOT_H

#include "authd/query_file.h"

/* Whether the text is of this form and not Postfix's. */
bool query_dovecot_is(struct slice text);
/* Takes the text into r->q. False with the reason noted. */
bool query_dovecot_parse(struct query_reader *r, struct slice text);

#endif
