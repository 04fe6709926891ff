/*
 * A SEQPACKET service on the event loop: accepts, asks who the peer is, hands
 * whole packets to the program, closes what misbehaves. What one peer sends
 * ends that peer's conversation at most (promise 17).
 */
#ifndef IPC_SERVER_H
#define IPC_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/ipc/loop.h"
#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"

struct service;

struct connection {
	struct watch    watch;
	struct service *service;
	bool            closing;
	struct connection *next_closing; /* the service's own, as are these */
	struct connection *next, *previous;
	uid_t           uid;
	/* For the program's use. A program that needs more than a pointer sets service.connection_size. */
	void           *state;
};

struct service {
	/* Set by the program before service_start(). */
	const char  *name;            /* "authd/lookup" */
	struct peers peers;
	size_t       connection_size; /* 0, or the size of a struct that begins with struct connection (zeroed at start) */
	size_t       most;            /* connections at a time; more wait in the backlog. 0: 4096 */
	size_t       most_per_user;   /* of these; more are refused. 0: no limit. Not for root and our own user */
	bool (*opened)(struct connection *c);                    /* may be NULL; false closes at once */
	/*
	 * A whole packet came. The packet is the service's, valid until this
	 * returns; descriptors that were not taken are closed after. False:
	 * the packet was malformed or out of turn, close the conversation (it
	 * is logged).
	 */
	bool (*request)(struct connection *c, struct packet *p);
	/*
	 * Instead of request(), for a service that listens on a stream socket (service_start_on()): there are bytes to
	 * read, room to write, or the peer is gone. Takes all events of c->watch.
	 */
	void (*ready)(struct connection *c, uint32_t events);
	void (*closed)(struct connection *c);                    /* may be NULL; the last call for c, which is freed after it */

	/* The service's own. */
	struct watch watch;
	size_t       count;
	struct connection *first;
	bool         paused;
	struct timer again;  /* after an accept that failed for want of descriptors or memory */
};

/* Listens (as socket_listen) and serves on the loop. False, logged. */
bool service_start(struct service *s);
/* The same on a socket that already listens (made before the privileges were dropped, or for a test). */
bool service_start_on(struct service *s, int listening);

/*
 * Sends an answer. A peer that does not take its answers (its socket is full)
 * is closed, as after connection_close(). Safe within request().
 */
void connection_send(struct connection *c, const struct packet *p);
/* Ends the conversation: closed() is called and `c` freed after the events of this turn of the loop, not within this call. */
void connection_close(struct connection *c);

#endif
