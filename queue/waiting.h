/* The messages that wait, by time: a heap of 16 bytes each, whatever the message. */
#ifndef QUEUE_WAITING_H
#define QUEUE_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DUE_HELD UINT32_MAX /* held: never, until it is released */
#define TAG_MASK 0xffffffu

struct waiting_entry {
	uint64_t id;
	uint32_t due;          /* seconds since 1970 (until 2106), or DUE_HELD: see waiting_time() */
	uint32_t tag : 24;     /* of the destination that it is known to be for; 0: not known, or several */
	uint32_t found : 1;    /* by the scan at start: not yet known to be whole */
	uint32_t fresh : 1;    /* it has just come, and no attempt was made */
	uint32_t hurried : 1;  /* it was found, and is wanted now, whatever its file says of its time */
	uint32_t parked : 1;   /* it waits for a place in the line of that destination, called before its time */
};

struct waiting {
	struct waiting_entry *heap; /* heap[0] is due first; of equal times the older id */
	size_t count, room;
};

/* A time as an entry bears it: one that is later than can be is the last before DUE_HELD, which stays. */
uint32_t waiting_time(uint64_t seconds);
/* False when there is no memory. */
bool waiting_add(struct waiting *w, struct waiting_entry e);
/* Takes the first one out if it is due at `now`. */
bool waiting_take(struct waiting *w, uint64_t now, struct waiting_entry *e);
/* Makes every message that is not held due at `now`; returns how many. */
size_t waiting_hurry(struct waiting *w, uint64_t now);
/* The same for these messages; the ids are in order. */
size_t waiting_hurry_these(struct waiting *w, const uint64_t *ids, size_t count, uint64_t now);
/* Makes those that are not held and would wait for longer than `most` seconds due at `now`; returns how many. */
size_t waiting_limit(struct waiting *w, uint64_t now, uint64_t most);
/* Makes at most `most` of those that are parked with this tag due at `now`; returns how many. */
size_t waiting_call(struct waiting *w, uint32_t tag, uint64_t now, size_t most);
/*
 * Calls `change`, which may set the time, or the id to 0, which drops the entry,
 * for each of these messages (ids in order); returns how often it said yes. One
 * pass, whatever the count.
 */
size_t waiting_change_these(struct waiting *w, const uint64_t *ids, size_t count,
    bool (*change)(void *context, struct waiting_entry *e), void *context);

#endif
