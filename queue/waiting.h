/* The messages that wait, by time: a heap of 16 bytes each, whatever the message. */
#ifndef QUEUE_WAITING_H
#define QUEUE_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DUE_FOUND 0          /* found by the scan at start: not yet known to be whole */
#define DUE_HELD  UINT64_MAX /* held: never, until it is released */
#define DUE_GONE  (UINT64_MAX - 1) /* set by a change: the entry is dropped */

struct waiting_entry {
	uint64_t id;
	uint64_t due; /* seconds since 1970, or one of these */
};

struct waiting {
	struct waiting_entry *heap; /* heap[0] is due first; of equal times the older id */
	size_t count, room;
};

/* False when there is no memory. */
bool waiting_add(struct waiting *w, uint64_t id, uint64_t due);
/* Takes the first one out if it is due at `now`. */
bool waiting_take(struct waiting *w, uint64_t now, struct waiting_entry *e);
/* Makes every message that is not held due at `now`; returns how many. */
size_t waiting_hurry(struct waiting *w, uint64_t now);
/* The same for these messages (ids in order). */
size_t waiting_hurry_these(struct waiting *w, const uint64_t *ids, size_t count, uint64_t now);
/*
 * Calls `change`, which may set the time, for each of these messages (ids in
 * order); returns how often it said yes. One pass, whatever the count.
 */
size_t waiting_change_these(struct waiting *w, const uint64_t *ids, size_t count,
    bool (*change)(void *context, struct waiting_entry *e), void *context);

#endif
