/*
 * What postern-lmtp has been asked for and which of it a deliver worker gets.
 * Each peer, a postern-lmtpd, has a line of jobs. Peers take turns, one job
 * each. A peer's jobs are with one worker at a time, so that they end in order
 * and copies of one message may share a file; so are those of one mailbox, so
 * that one that hangs holds one worker and those who wait for it. Knows neither
 * sockets nor workers but by their addresses.
 */
#ifndef DELIVER_LMTP_LINES_H
#define DELIVER_LMTP_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/ipc/server.h"

struct lmtp_peer;

struct lmtp_job {
	struct lmtp_job  *next;
	struct lmtp_peer *peer; /* NULL: it is gone, nobody waits for the answer */
	int               message;
	uint64_t          size;  /* of the message; 0: not said */
	size_t            place; /* of its mailbox, among those that are being delivered to */
	const char       *tag, *id; /* in `fields` */
	struct slice      rest;     /* of `fields`: what stands behind the tag */
	char              fields[];
};

struct lmtp_peer {
	struct connection connection;
	struct lmtp_job  *first, *last; /* that wait */
	size_t            waiting, given;
	void             *worker;       /* that has those that were given */
	struct lmtp_peer *next, *previous; /* in the ring of those who wait */
};

/* Whether anybody waits. */
bool lmtp_lines_wait(void);
/*
 * A job from a request's fields (the tag first, then the id), put at the end of the peer's line. The
 * descriptor is the job's from now on. False with errno: no memory.
 */
bool lmtp_lines_add(struct lmtp_peer *p, struct slice fields, const char *address, int message, uint64_t size);
/* The next job that this worker may have, now counted as given to it. NULL: none. */
struct lmtp_job *lmtp_lines_next(void *worker);
/* The same of this peer, for the worker that has others of it already. */
struct lmtp_job *lmtp_lines_further(struct lmtp_peer *p);
/* A job that was given is over, and freed. */
void lmtp_lines_done(struct lmtp_job *j);
/* The peer is gone: what waits is forgotten. What was given goes on; `jobs` of its worker are told. */
void lmtp_lines_leave(struct lmtp_peer *p, void *const *jobs, size_t count);

#endif
