/*
 * What SQL answered within the last second. One message asks for the same
 * mailbox three times (smtpd, queued, deliver) within a few milliseconds, and
 * a busy server for the same domain with each: memory answers all but the
 * first. A second is what a changed table may take to count (promise 14), so
 * nothing is kept longer; passwords are not kept at all, and an answer of
 * "no" is never given from here (inquiry.c asks again before it says so).
 */
#ifndef AUTHD_RECENT_H
#define AUTHD_RECENT_H

#include <stdbool.h>
#include <stdint.h>

#include "authd/maps.h"
#include "lib/base/slice.h"

#define RECENT_LIFE       900  /* ms */
#define RECENT_SLOTS      4096 /* a newer fact takes the place of an older one: the memory is fixed */
#define RECENT_KEY_MOST   255  /* longer ones are not kept */
#define RECENT_VALUE_MOST 511

struct recent_fact {
	int64_t         until; /* clock_ms() */
	enum map        map;
	enum fact_state state;
	uint16_t        key_len, value_len;
	char            key[RECENT_KEY_MOST];
	char            value[RECENT_VALUE_MOST];
};

struct recent {
	uint64_t           salt; /* so that nobody can choose keys that push others out */
	struct recent_fact slots[RECENT_SLOTS];
};

void recent_begin(struct recent *r);
/* Notes FACT_FOUND or FACT_NONE of any map but MAP_PASSWORD; others are not kept. */
void recent_note(struct recent *r, enum map map, struct slice key, enum fact_state state, struct slice value);
/* What is known, or NULL. Valid until the next note. */
const struct recent_fact *recent_find(const struct recent *r, enum map map, struct slice key);

#endif
