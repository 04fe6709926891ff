/* The table of destinations, for destination.c: finding, making and forgetting them. */
#ifndef QUEUE_DESTINATION_TABLE_H
#define QUEUE_DESTINATION_TABLE_H

#include "queue/destination.h"

/* Rings by `next` and `previous`: to the end, as seen from `*ring`. */
void destination_ring_add(struct destination **ring, struct destination *d);
void destination_ring_remove(struct destination **ring, struct destination *d);

/* Nobody waits for it, and nobody is served. */
bool destination_is_idle(const struct destination *d);
/* An idle one will not be idle any more. */
void destination_wake(struct destination *d);
/* It has become idle: it is forgotten when it has no past, or as the oldest of too many. */
void destination_rest(struct destination *d);

#endif
