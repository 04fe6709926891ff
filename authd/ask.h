/* One question of the resolver to one map: its text file, if there is one, then the embedded users, the cache, SQL. */
#ifndef AUTHD_ASK_H
#define AUTHD_ASK_H

#include "authd/resolve.h"

/* One question to one map. VERDICT_OK with the value, VERDICT_NO, or it cannot be said (yet). */
enum verdict ask(struct resolution *r, enum map map, struct slice key, struct slice *value);
/* The same of an address: user+extension@domain, user@domain, @domain. */
enum verdict ask_address(struct resolution *r, enum map map, const struct parts *p, struct slice *value);

#endif
