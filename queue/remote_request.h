/*
 * The request `send` as ARCHITECTURE.md has it:
 *
 *     send T QUEUE-ID SENDER TRANSPORT OFFSET LENGTH KEYS ADDRESS KEYS [ADDRESS KEYS]...   + message file
 *
 * KEYS is a text of key=value with spaces between. Keys that one does not know
 * are passed over.
 */
#ifndef QUEUE_REMOTE_REQUEST_H
#define QUEUE_REMOTE_REQUEST_H

#include "lib/ipc/packet.h"
#include "queue/remote_smtp.h"

struct remote_request {
	const char   *tag;
	const char   *transport;
	struct errand errand; /* its texts are the packet's */
};

/* False: it is malformed; then errand.file may be -1 or open. */
bool remote_request_read(struct packet *p, struct remote_request *r);

#endif
