/*
 * A domain's sum (quota_domain.h) as a session sees it. Its confinement leaves
 * it the user's Maildir alone, so it opens the domain's file before that and
 * holds it: it reads the sum, and writes what it adds and removes. It cannot
 * count; who may, deliver and each login, writes what was counted into the
 * same file. The file's limit is believed, which deliver renews.
 *
 * All is exact as long as nobody holds the file's lock for longer than
 * QUOTA_PATIENCE and the file is not replaced; then it is not known, and what
 * is not known fits. A session that was taken over can write what it likes
 * here, as in its own maildirsize, until all is counted anew.
 */
#ifndef STORE_QUOTA_HELD_H
#define STORE_QUOTA_HELD_H

#include "lib/store/quota_domain.h"

struct quota_held {
	bool open; /* all zero: there is no such file, and all calls do nothing */
	/* Its own. */
	int  fd;
	bool locked;
	struct maildirsize text;
};

/* Holds the file of a domain that quota_domain_open() has opened; counts, when that is due. Not possible (logged): *h is all zero. */
void quota_held_open(struct quota_held *h, struct quota_domain *d);
/*
 * Locks it. With `asked`: whether so much more fits; QUOTA_OVER, then it is not
 * locked. NULL: nothing is asked for.
 */
enum quota_verdict quota_held_enter(struct quota_held *h, const struct quota_amount *asked);
/* What the domain may hold and what it does. False: there is no such limit, or nobody knows now. */
bool quota_held_read(struct quota_held *h, struct quota_amount *limits, struct quota_amount *used);
/* Behind QUOTA_FITS: writes what has changed, signed, and unlocks. Keeps errno. */
void quota_held_leave(struct quota_held *h, int64_t bytes, int64_t messages);

#endif
