/*
 * A client on the event loop: many questions under way on one connection.
 * Each request carries a tag as its first field, which the answer repeats
 * (this is the convention of all sockets of the suite), so answers may come
 * in any order. The connection is made at the first question and again after
 * it was lost.
 */
#ifndef IPC_CLIENT_H
#define IPC_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ipc/loop.h"
#include "lib/ipc/packet.h"

struct question; /* one that waits for its answer */

/*
 * `answer` is positioned behind the tag: packet_field() gives the first field
 * of the answer, `status` its verb. NULL, NULL when the service could not be
 * reached, was lost, or gave no answer in time: temporary trouble, always.
 */
typedef void answer_handler(void *context, const char *status, struct packet *answer);

struct client {
	/* Set by the program. */
	const char *service; /* "authd/lookup" */
	int         timeout; /* milliseconds for an answer */

	/* The client's own. */
	struct watch     watch;
	bool             connected;
	int64_t          not_before; /* no new attempt to connect until then */
	uint64_t         last_tag;
	struct question *first, *last;
	struct question *first_held; /* not sent yet: too many are under way; those behind it neither */
	size_t           under_way;  /* sent and not answered */
	struct timer     expiry;
};

/* Begins a request: verb and tag. Then packet_add() the fields and client_ask(). */
void client_begin(struct client *c, struct packet *p, const char *verb);
/*
 * Sends it. The handler is called exactly once, later, never within this call.
 * NULL when there is no memory (the handler is not called). The question may
 * be forgotten: its handler is then not called.
 */
struct question *client_ask(struct client *c, const struct packet *p, answer_handler *handler, void *context);
void client_forget(struct client *c, struct question *q);
/* Forgets all questions and closes the connection. Within a handler too, but the client must stay in place until that returned. */
void client_close(struct client *c);

#endif
