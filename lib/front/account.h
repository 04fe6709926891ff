/*
 * The mailbox of a session: what it may hold, what its domain may hold with
 * it, and that authd hears what it does hold when the session has changed that.
 */
#ifndef FRONT_ACCOUNT_H
#define FRONT_ACCOUNT_H

#include "lib/store/quota.h"
#include "lib/store/quota_held.h"

struct account {
	struct quota      quota;
	struct quota_held domain;
	int               tally; /* tally.h; -1: nobody is told */
	char              user[256]; /* for the session's own mail to him; "" when it is longer */
};

/* In an account that was begun by arrive(), or is all zero but for `tally` -1 and a quota that was opened. */

/* Whether messages of `size` would fit into the folder. */
bool account_check(struct account *a, struct slice folder, struct quota_amount size);
/* Whether they fit: then they are counted, and are to be put into their places. */
bool account_take(struct account *a, struct slice folder, struct quota_amount size);
/* Between account_take() or quota_begin() and account_done(): some did not come, or have gone; some have come that asked for no room. */
void account_give(struct account *a, struct slice folder, struct quota_amount size);
void account_came(struct account *a, struct slice folder, struct quota_amount size);
/* What was taken is in its place, or what is to go was removed: `gone` is taken off. authd is told. Keeps errno. */
void account_done(struct account *a, struct slice folder, struct quota_amount gone);

#endif
