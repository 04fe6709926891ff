/* Which deliver worker gets the next job of the queue: a group of one recipient (local.c). */
#ifndef QUEUE_WORKERS_H
#define QUEUE_WORKERS_H

#include <stddef.h>

#include "lib/ipc/crew.h"
#include "queue/destination.h"

/*
 * An idle one; when there are as many as may be, the one with the fewest jobs.
 * NULL: there is to be a further one, or all have as many jobs as they may.
 */
struct crew_worker *workers_free(const struct crew *all);
/* The one that has jobs of the same mailbox and may have one more; else `other`. */
struct crew_worker *workers_for(const struct crew *all, const struct group *g, struct crew_worker *other);

#endif
