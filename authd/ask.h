/* One question of the resolver to one map: its text file, if there is one, then the embedded users, the cache, SQL. */
#ifndef AUTHD_ASK_H
#define AUTHD_ASK_H

#include "authd/resolve.h"

/* One question to one map. VERDICT_OK with the value, VERDICT_NO, or it cannot be said (yet). */
enum verdict ask(struct resolution *r, enum map map, struct slice key, struct slice *value);
/*
 * Asks as the address is written and, where that finds nothing and its domain has another form, with the domain in that (parts.h).
 * The value may not lie in the parts that `question` is given.
 */
typedef enum verdict question_of_form(struct resolution *r, enum map map, const struct parts *p, struct slice *value);
enum verdict ask_in_forms(struct resolution *r, enum map map, const struct parts *p, question_of_form *question, struct slice *value);
/* One question for an address, in all forms: user+extension@domain, user@domain, @domain. */
enum verdict ask_address(struct resolution *r, enum map map, const struct parts *p, struct slice *value);

#endif
