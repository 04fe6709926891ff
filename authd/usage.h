/*
 * What deliver and the sessions have told of the size of mailboxes, so that a
 * full one is refused at RCPT. Fixed memory: a report takes the place of an
 * older one of another user. What was told counts for an hour: a mailbox may
 * shrink without anybody telling. The cache keeps it over a restart: without
 * that, a full mailbox's mail would be taken in until the first of it has
 * come back. What changes while authd is away is told when it is there again
 * (lib/front/telling.h); a delivery tells with the next one.
 *
 * "@example.org" is what all mailboxes of the domain hold, which deliver keeps
 * in a file (lib/store/quota_domain.h). What is then told of one of its users
 * changes that by the difference to what was told of him before.
 */
#ifndef AUTHD_USAGE_H
#define AUTHD_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define USAGE_SLOTS     16384 /* a power of two */
#define USAGE_NEAR      8     /* places that one user may take */
#define USAGE_USER_MOST 255   /* longer ones are not kept */
#define USAGE_LIFE      3600000 /* ms */

struct usage_record {
	uint64_t bytes, messages;
};

struct usage_slot {
	int64_t             told; /* clock_ms(); 0: free */
	struct usage_record record;
	uint16_t            len;
	char                user[USAGE_USER_MOST];
};

struct cache;

struct usage {
	struct cache      *cache; /* NULL: nothing is kept */
	uint64_t           salt;
	struct usage_slot *slots;
};

/* False without memory. */
bool usage_begin(struct usage *u);
void usage_tell(struct usage *u, struct slice user, struct usage_record record);
/* Zero when nothing is known. */
struct usage_record usage_find(struct usage *u, struct slice user);
/* What was told of the domain, or else the bytes of all its users that have been told of. */
uint64_t usage_of_domain(struct usage *u, struct slice domain);

#endif
