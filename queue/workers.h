/* The deliver workers as local.c has them, and which of them gets the next job. */
#ifndef QUEUE_WORKERS_H
#define QUEUE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ipc/loop.h"
#include "queue/destination.h"

#define WORKER_JOBS 16 /* as many as one delivers together (deliver/group.h) */

struct worker {
	struct watch  watch;
	struct timer  limit;
	struct group *jobs[WORKER_JOBS]; /* of one recipient each, in the order in which it got them */
	size_t        count;
	uint64_t      tag;  /* of the first */
	bool          used; /* has done a job: it is no broken program */
};

struct workers {
	struct worker **workers;
	size_t          count;
};

/*
 * An idle one; when there are `most` of them, the one with the fewest jobs.
 * NULL: there is to be a further one, or all have as many jobs as they may.
 */
struct worker *workers_free(const struct workers *all, size_t most);
/* The one that has jobs of the same mailbox and may have one more; else `other`. */
struct worker *workers_for(const struct workers *all, const struct group *g, struct worker *other);
/* Its first job has been answered. */
struct group *worker_take_first(struct worker *w);

#endif
