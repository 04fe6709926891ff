/*
 * Failed logins, counted per client address and per account, and what follows
 * from them: a delay before the "no" that grows, then a temporary refusal.
 *
 * An address is an IPv4 address or an IPv6 /64. One that fails too often is
 * refused for a while, whatever it asks. An account that fails too often, from
 * however many addresses, is refused to those from which it has had no success
 * lately: so nobody can lock the owner out at home by guessing at his account.
 *
 * A count is a level that drains evenly: full, it is empty after one window.
 * Who reaches the limit is refused until half of it has drained, so in the long
 * run nobody gets more guesses than the limit in a window.
 *
 *  - A success takes away what this address failed for this account and no
 *    more: an account of one's own buys no guesses at those of others, and its
 *    owner's phone does not hide an attack on it.
 *  - The same wrong password again, from the same address for the same account
 *    (a phone that keeps an old one), counts a twentieth: too little for a phone
 *    to be refused, enough for a flood to be.
 *
 * Memory is fixed. Each table has sets that a salted hash chooses; in a full set
 * the lowest level gives way (of equals the oldest), so who wants a count
 * forgotten must fail as often at sixteen others that he cannot know. The
 * addresses that an account succeeded from are kept beside the account, and only
 * a success writes there: the only memory that an account of one's own can push
 * out is its own. All of it begins anew when authd does.
 */
#ifndef AUTHD_FAILURES_H
#define AUTHD_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/siphash.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"

#define FAILURES_WAYS        16
#define FAILURES_SETS        2048 /* 32,768 addresses, as many accounts, and as many accounts that succeeded */
#define FAILURES_FREE        2    /* failures without a delay; then 1 s, 2 s, 4 s ... */
#define FAILURES_DELAY_MOST  15000 /* ms */
#define FAILURES_KNOWN_MOST  8    /* addresses that are remembered of an account: the latest */
#define FAILURES_KNOWN_DAYS  14
#define FAILURES_REPEAT_PART 20   /* the same wrong password again is this part of a failure */
#define FAILURES_SLOTS       4    /* accounts that are told apart at one address */

struct failures_options {
	uint64_t    per_address, per_account; /* in one window; 0: not counted */
	uint64_t    window;                   /* seconds, at least 1 */
	const char *exempt;                   /* networks.h, strict; the text must live as long */
};

#define FAILURES_LIMIT_MOST  1000000
#define FAILURES_WINDOW_MOST (7 * 24 * 3600)

struct failures_count {
	uint64_t hash;  /* 0: the place is free */
	int64_t  when;  /* ms: the level is right up to there */
	uint32_t level; /* thousandths of a failure */
	bool     refused;
};

struct failures_table {
	struct failures_count places[FAILURES_SETS][FAILURES_WAYS];
};

/* What one address failed for one account. */
struct failures_slot {
	uint32_t account; /* of its hash */
	uint32_t tried;   /* of the hash of the last wrong password; 0: none */
	uint32_t level;   /* part of the address's level */
};

/* Where an account succeeded from. */
struct failures_known {
	uint64_t hash; /* of the account; 0: the place is free */
	struct {
		uint32_t client; /* of its hash */
		uint32_t when;   /* s; 0: none */
	} addresses[FAILURES_KNOWN_MOST];
};

struct failures {
	struct failures_options options;
	struct siphash_key      key;
	struct failures_table   clients, accounts;
	struct failures_slot    slots[FAILURES_SETS][FAILURES_WAYS][FAILURES_SLOTS]; /* beside `clients` */
	struct failures_known   known[FAILURES_SETS][FAILURES_WAYS];
};

struct failures_answer {
	int64_t     delay_ms; /* to wait before the "no" is said */
	bool        refuse;   /* answer "later", ask no worker */
	const char *why;      /* of a refusal: for the log and the front; else "" */
};

/* False with the reason in `problem`: the list of exempt networks is wrong. */
bool failures_begin(struct failures *f, const struct failures_options *options, struct str *problem);

/*
 * In all three: `client` is the address as the front said it; one that is
 * exempt, or no address at all (a Unix socket), is neither counted nor refused,
 * and only waits when the account is under attack. `account` is the full login
 * in lower case, whether there is such a user or not; empty: not known (yet),
 * then only the address counts. `now` is clock_ms().
 */

/* At the start of an attempt, and again when its account becomes known. */
struct failures_answer failures_before(struct failures *f, struct slice client, struct slice account, int64_t now);
/*
 * After a failure: how long to wait with the answer, and whether the next
 * attempt will be refused. `password_tag` is any text that stands for the wrong
 * password and is the same for the same one; empty: not known, it is a new one then.
 */
struct failures_answer failures_note(
    struct failures *f, struct slice client, struct slice account, struct slice password_tag, int64_t now);
void failures_succeeded(struct failures *f, struct slice client, struct slice account, int64_t now);

#endif
