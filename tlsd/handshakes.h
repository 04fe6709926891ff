/*
 * Handshakes that are not done yet. A client that never finishes his holds a
 * process here, one of its front and a place of its launcher, for as long as
 * handshake_timeout: so at most handshakes_most may be older than
 * HANDSHAKE_GRACE, of more the oldest give way. Who only is slow needs less
 * than that grace.
 *
 * A handshake is under way while its front's connection stays open: the front
 * closes it when it has its answer. That a child says it is done would prove nothing.
 */
#ifndef TLSD_HANDSHAKES_H
#define TLSD_HANDSHAKES_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/ipc/server.h"

#define HANDSHAKE_GRACE 3000 /* ms */

struct handshake {
	struct connection connection; /* first: the service's connection_size is this struct's */
	pid_t             child;      /* 0: the front has not asked yet */
	int64_t           begun;      /* clock_ms() */
};

/* So many may be older than the grace (the setting `tls_handshakes`). */
extern uint64_t handshakes_most;

/* Of the fronts' service, before it starts. */
void handshakes_prepare(struct service *s);
/* The front has asked already. */
bool handshakes_has(const struct connection *front);
/* The child works for this front. */
void handshakes_add(struct connection *front, pid_t child);
/* A child ended, of its own will or not: its front is not left waiting. True when it was ended here. */
bool handshakes_ended(pid_t child, int status);

#endif
