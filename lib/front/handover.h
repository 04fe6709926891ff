/*
 * How a client goes from the front, where it logged in, to its session: the
 * packet `session` of ARCHITECTURE.md with the client's descriptor, written by
 * postern-imapd and postern-pop3d, read by postern-imap and postern-pop3.
 */
#ifndef FRONT_HANDOVER_H
#define FRONT_HANDOVER_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/stream.h"
#include "lib/ipc/packet.h"

struct handover {
	const char  *id;         /* of the conversation; goes on as the session's, so that one id is in both logs */
	const char  *ticket;
	struct slice command;    /* the tag of IMAP's command, which the session answers; empty in POP3 */
	const char  *address;    /* the client's */
	bool         encrypted;
	int          client;     /* its descriptor */
	const char  *read_ahead; /* what the front read behind the login, in base64; of handover_read() only */
};

enum handover_result {
	HANDOVER_TAKEN,   /* the client is the session's, which answers the login */
	HANDOVER_REFUSED, /* nothing has happened, the client is to come again later (logged) */
	HANDOVER_UNKNOWN, /* no answer in time: a session may have the client, so nothing can be said to him any more (logged) */
};

/* Gives the client to whoever listens on `socket`, with what `in` has read and not taken. `service` is for the log. */
enum handover_result handover_send(int socket, const char *service, const struct handover *h, const struct input *in);

/* Reads the packet; the texts are its own, the descriptor is now the caller's. False (nothing to close): not such a packet. */
bool handover_read(struct packet *p, struct handover *h);

/* Puts what the front read ahead into `in`, which is fresh. False: it is not base64, or too long. */
bool handover_read_ahead(const struct handover *h, struct input *in);

#endif
