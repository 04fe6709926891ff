/*
 * A pool of prepared worker processes: forked ahead, each does one job at a
 * time, a job being one packet there and one or more packets back. A worker
 * that dies is replaced; its job gets no answer. Jobs beyond the number of
 * workers wait in a bounded line.
 */
#ifndef IPC_POOL_H
#define IPC_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/ipc/loop.h"
#include "lib/ipc/packet.h"

#define POOL_KEEP 4
#define POOL_LEFT 16

struct pool_worker;
struct pool_job;

struct pool {
	/* Set by the program. */
	const char *name;          /* for the log: "database" */
	size_t      workers;
	size_t      most_waiting;  /* jobs in the line; one more is refused */
	int64_t     job_timeout;   /* milliseconds; a worker that is still busy then is killed and replaced. 0: none */
	/*
	 * What a worker does, in its own process, until `socket` ends: receive a
	 * packet (packet_receive_wait), do it, send the answer. It confines
	 * itself first. Of the parent's descriptors it has 0 to 2, `socket` and
	 * those in `keep`. Returning ends the process,
	 * and so does the parent's end.
	 */
	void (*work)(int socket, void *context);
	void  *context;
	int    keep[POOL_KEEP];    /* descriptors above 2 that the workers keep; 0 ends the list */

	/* The pool's own. */
	struct pool_worker *members;
	struct pool_job    *first, *last;
	size_t              waiting;
	struct timer        restart;
	pid_t               left[POOL_LEFT]; /* of workers that were lost and could not be ended: to be reaped */
};

/*
 * One answer came. `answer` NULL: the worker died or ran out of time, or the
 * pool is being stopped. Return true when the job is done; false when the
 * worker will send more for this job (after a pool_continue(), say).
 */
typedef bool pool_handler(void *context, struct pool_worker *w, struct packet *answer);

/* Forks the workers. Call after loop_begin(). False with errno. */
bool pool_start(struct pool *pool);
/* Gives a job to an idle worker or puts it in the line (a copy of the packet; descriptors only go to an idle worker). False: line full. */
bool pool_submit(struct pool *pool, const struct packet *job, pool_handler *done, void *context);
/* Sends a further packet to the worker that holds this job. False: it is gone (the handler will be called with NULL). */
bool pool_continue(struct pool_worker *w, const struct packet *p);

#endif
