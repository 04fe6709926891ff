/*
 * The mailbox of a session: what it may hold, and that authd hears what it
 * does hold when the session has changed that.
 */
#ifndef FRONT_ACCOUNT_H
#define FRONT_ACCOUNT_H

#include "lib/store/quota.h"

struct account {
	struct quota quota;
	int          tally; /* tally.h; -1: nobody is told */
};

/* In an account that was begun by arrive(), or is all zero but for `tally` -1 and a quota that was opened. */

/* Whether messages of `size` fit into the folder: then they are counted, and are to be put into their places. */
bool account_take(struct account *a, struct slice folder, struct quota_amount size);
/* What was taken is in its place, or what is to go was removed: `gone` is taken off. authd is told. Keeps errno. */
void account_done(struct account *a, struct slice folder, struct quota_amount gone);

#endif
