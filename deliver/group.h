/*
 * Deliveries that end together: each is written on its own, then all files are
 * synced, all are renamed, and each folder is synced once (lib/store/save.h).
 * One that fails fails alone.
 */
#ifndef DELIVER_GROUP_H
#define DELIVER_GROUP_H

#include "deliver/delivery.h"

#define GROUP_MOST  16
#define GROUP_BYTES (2u << 20) /* of text, after which no further one is begun: the first waits for the last */

#define GROUP_MEMBERS (GROUP_MOST + PLAN_STORES_MOST - 1) /* the last one's script may want several copies */

_Static_assert(GROUP_MEMBERS <= SAVES_MOST, "a group is more than can be saved together");

struct group {
	size_t           count; /* of members: those that are `extra` belong to the one before them */
	uint64_t         bytes;
	struct under_way members[GROUP_MEMBERS];
};

/* Begins a further one. There must be room. Its texts need not outlive the call; its descriptor may be closed. */
void group_add(struct group *g, struct deliverer *d, const struct delivery *what);
bool group_has_room(const struct group *g);
/* Ends all: each member's outcome counts, but for those that are `extra`. Then the group may be emptied by setting `count` to 0. */
void group_end(struct group *g, struct deliverer *d);

#endif
