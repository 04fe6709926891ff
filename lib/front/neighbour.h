/*
 * A neighbour is another program of the suite, as a front sees it: a socket
 * that is opened before the confinement and asked one question at a time. What
 * is lost stays lost, since no new socket can be made after it. Packets as in
 * ARCHITECTURE.md: each question and each answer bears a tag.
 */
#ifndef FRONT_NEIGHBOUR_H
#define FRONT_NEIGHBOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ipc/packet.h"

struct neighbour {
	const char *name;   /* "authd/lookup": of its socket, and in the log */
	int         socket; /* -1: it is not there */
	bool        lost;   /* it was there and broke, or answered what it should not */
	uint64_t    tag;    /* of the last question */
};

#define NEIGHBOUR_NONE ((struct neighbour){.socket = -1})

/* Connects to a socket of the suite; while nobody listens it tries again for a moment (a restart). -1, logged ("service-away"). */
int neighbour_connect(const char *name);
/* The same for a neighbour that will be asked. */
bool neighbour_open(struct neighbour *n, const char *name);

/* Whether it is there still, without asking it. False: it was lost, now (logged) or before. */
bool neighbour_is_there(struct neighbour *n);

/* Begins a question in `p` with a new tag. Then packet_add() its fields. */
void neighbour_begin(struct neighbour *n, struct packet *p, const char *verb);
/* Sends a packet that has no answer. False: it was lost, now (logged) or before. */
bool neighbour_send(struct neighbour *n, const struct packet *p, int patience);
/*
 * Sends the question and waits for its answer, `patience` milliseconds each. The
 * status word; `p` is then the answer, read up to the first field behind its
 * tag. NULL: it was lost, now (logged, "service-lost") or before.
 */
const char *neighbour_ask(struct neighbour *n, struct packet *p, int patience);
/* Waits for the answer to a question that was sent by neighbour_send() with that tag; else as neighbour_ask(). */
const char *neighbour_await(struct neighbour *n, struct packet *p, uint64_t tag, int patience);
/* As neighbour_ask() for an answer that may bring a descriptor: `*fd` is the caller's to close, -1 when none came. */
const char *neighbour_ask_descriptor(struct neighbour *n, struct packet *p, int patience, int *fd);

#endif
