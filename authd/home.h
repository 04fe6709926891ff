/* A mailbox: where it is, what it may hold. */
#ifndef AUTHD_HOME_H
#define AUTHD_HOME_H

#include "authd/classify.h"

/* Appends user, maildir, quota in bytes and in messages. `value`: what the table of mailboxes yielded for this user. */
enum verdict home_put(struct resolution *r, struct slice user, struct slice value);
/* Appends what all mailboxes of his domain may hold together, in bytes; nothing when that has no limit. Behind all other fields. */
enum verdict home_put_domain(struct resolution *r, struct slice user);
/* Whether the mailbox, or all those of its domain together, hold as much as they may. */
enum verdict home_is_full(struct resolution *r, struct slice user, bool *full);
/* Appends the size limit of the mailbox's messages as a field, nothing when it has none. */
enum verdict home_put_limit(struct resolution *r, struct slice user);

#endif
