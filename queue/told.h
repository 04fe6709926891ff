/*
 * Of which logins the postmaster knows that their mail is held. authd says when
 * he is to be told, once in a while for each login; but the message that bore
 * this word may never have been completed by its client. So a login of which he
 * was not told for a day counts as one to tell of. Fixed memory.
 */
#ifndef QUEUE_TOLD_H
#define QUEUE_TOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/siphash.h"
#include "lib/base/slice.h"

#define TOLD_LOGINS 512
#define TOLD_TIME   86400 /* seconds */

struct told {
	struct siphash_key key;
	struct {
		uint64_t hash; /* of the login; 0: free */
		uint64_t when; /* seconds since 1970 */
	} logins[TOLD_LOGINS];
};

void told_begin(struct told *t);
/* True also when so many others are known that this one cannot be: then authd's word alone decides. */
bool told_has(const struct told *t, struct slice login, uint64_t now);
void told_add(struct told *t, struct slice login, uint64_t now);
void told_remove(struct told *t, struct slice login);

#endif
