/*
 * Deliver workers as their owner has them: each is a postern-deliver at the
 * other end of a pair that the spawner has made (spawner.h). It does several
 * jobs at a time and answers them in order; who gets which is for the owner to
 * say. One that dies, hangs or does not keep to the protocol is dropped, and
 * its jobs end without an outcome.
 */
#ifndef IPC_CREW_H
#define IPC_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/packet.h"

#define CREW_JOBS 16 /* as many as one delivers together (deliver/group.h) */

struct crew;

struct crew_worker {
	struct watch  watch;
	struct timer  limit;
	struct crew  *crew;
	void         *jobs[CREW_JOBS]; /* in the order in which it got them */
	size_t        count;
	uint64_t      tag;  /* of the first */
	bool          used; /* has done a job: it is no broken program */
};

struct crew {
	/* Set by the program. */
	size_t most; /* workers */
	/* Adds to a `deliver` what stands behind its tag (ARCHITECTURE.md, "deliver worker"). */
	void (*build)(struct packet *p, const void *job);
	/* The queue id, or what is in its place, for the log. */
	const char *(*name)(const void *job);
	/* The job is over. `o` NULL: what became of it is not known, and `why` is for the sender. */
	void (*ended)(void *job, const struct outcome *o, const char *why);
	/* A worker has come, is free or is gone: the one place to call crew_give() and crew_spawn() from, beside new jobs. */
	void (*assign)(void);
	/* No worker could be started; assign() is called again in a moment. */
	void (*failed)(void);
	/* The spawner has ended: there will be no further worker. */
	void (*lost)(void);

	/* To be looked at. */
	struct crew_worker **workers;
	size_t               count;

	/* The crew's own. */
	struct watch spawner;
	struct timer again;
	bool         spawning;
};

/* `spawner`: the socket to it. Call after loop_begin(). False with errno. */
bool crew_begin(struct crew *crew, int spawner);
/* Asks for a further worker, unless there are enough or one is on its way. */
void crew_spawn(struct crew *crew);
/* Gives it a job. There must be room. What cannot be given ends, within this call. False: the worker is gone. */
bool crew_give(struct crew_worker *w, void *job);

#endif
