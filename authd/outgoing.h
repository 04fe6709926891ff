/*
 * How many recipients each login has sent to in the last hour and day, so that
 * a stolen password sends a few hundred messages and not a million. Past a
 * limit mail is held (never refused: the owner may have a reason), the log and
 * the postmaster are told, and the administrator releases it.
 *
 * Windows slide by buckets: an hour is counted in steps of 5 minutes, a day in
 * steps of an hour, and the step that is just ending counts in full. So no 60
 * minutes and no 24 hours ever see more than the limit pass; a login is free
 * again at most one step later than it could be. A held message counts too: who
 * goes on sending stays over his limit.
 *
 * Memory is fixed: OUTGOING_LOGINS places, in sets that a salted hash of the
 * login chooses. When a set is full the login with the fewest recipients in the
 * last day gives way (of equals the one that has been quiet the longest), so
 * who wants a login over its limit forgotten must send as much by sixteen other
 * logins whose hashes he cannot know. Counting begins anew when authd does.
 */
#ifndef AUTHD_OUTGOING_H
#define AUTHD_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/siphash.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"

#define OUTGOING_WAYS   16
#define OUTGOING_SETS   1024
#define OUTGOING_LOGINS (OUTGOING_SETS * OUTGOING_WAYS)

#define OUTGOING_HOUR_STEPS 13 /* of 5 minutes: 60 to 65 minutes */
#define OUTGOING_DAY_STEPS  25 /* of an hour: 24 to 25 hours */

/* Recipients; 0: no limit. */
struct outgoing_limits {
	uint64_t hour, day;
};

/* The setting outgoing_limits: other limits for one login, or for all of "@domain". */
struct outgoing_exception {
	struct slice           login; /* into the setting's text */
	struct outgoing_limits limits;
};

struct outgoing_login {
	uint64_t hash;   /* of the login; 0: the place is free */
	int64_t  newest; /* unix seconds of the last message: the buckets are right up to there */
	int64_t  told;   /* unix seconds of the last HOLD_FIRST; 0: none */
	uint32_t hour[OUTGOING_HOUR_STEPS], day[OUTGOING_DAY_STEPS];
};

struct outgoing {
	struct outgoing_limits     limits; /* of who is in no exception; set by outgoing_begin() */
	struct outgoing_exception *exceptions;
	size_t                     exception_count;
	struct siphash_key         key;
	struct outgoing_login      logins[OUTGOING_SETS][OUTGOING_WAYS];
};

enum outgoing_verdict {
	OUTGOING_PASS,
	OUTGOING_HOLD_FIRST, /* and tell the postmaster: at most once an hour (the hour's limit) or once a day (the day's) */
	OUTGOING_HOLD_AGAIN,
};

/* Numbers for the log and the notice. */
struct outgoing_state {
	uint64_t               hour, day; /* recipients in the last hour and day, this message's with them */
	struct outgoing_limits limits;    /* this login's */
	char                   why[128];  /* "312 recipients within an hour, the limit is 300"; "" when it passes */
};

/*
 * `exceptions` is the setting's text, which must live as long: a line each
 * "LOGIN HOUR DAY" or "@DOMAIN HOUR DAY" (the login's own line counts before its
 * domain's), "#" begins a comment. False with "line N: ..." in `problem`.
 */
bool outgoing_begin(struct outgoing *o, struct outgoing_limits limits, const char *exceptions, struct str *problem);

/* Before a message is committed. `login` is the full one, in lower case, as the login socket's `ok` named it. */
enum outgoing_verdict outgoing_count(
    struct outgoing *o, struct slice login, uint64_t recipients, int64_t now_unix, struct outgoing_state *state);

#endif
