/*
 * What stands behind a % in a query, in both dialects. Postfix's are in
 * expansion.h. Dovecot's (its documentation, "Config variables"):
 *
 *     % [[OFFSET.]WIDTH] [L|U]... LETTER | {NAME}
 *
 *     u user auth_user orig_user              the whole key
 *     n username auth_username orig_username  before its @
 *     d domain auth_domain orig_domain        after it
 *     s service      r rip remote_ip          who asks
 *
 * L is lower case, U upper case. WIDTH bytes are taken from OFFSET on; negative
 * ones count from the end; a WIDTH with a 0 before it fills up with zeros and
 * cuts nothing. Other variables (%w the password, %l our address) and modifiers
 * (hashes) are refused: no query needs them, and we would not have their values.
 */
#ifndef AUTHD_QUERY_VARIABLE_H
#define AUTHD_QUERY_VARIABLE_H

#include "authd/expansion.h"
#include "authd/query_access.h"
#include "lib/base/cursor.h"

/* The % is taken, and it is not %%. NULL, or what is wrong. */
const char *query_variable_read(struct cursor *in, enum query_dialect dialect, struct piece *piece);

#endif
