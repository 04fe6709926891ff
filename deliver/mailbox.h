/* Asks authd which Maildir an address has. One connection, kept open; blocking, with a deadline. */
#ifndef DELIVER_MAILBOX_H
#define DELIVER_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/ipc/packet.h"

struct mailbox_client {
	int           socket; /* to authd/lookup; -1: not connected */
	uint64_t      last_tag;
	struct packet packet;
};

/* The texts live in the client's packet, until the next question. Nothing in them is trusted. */
struct mailbox {
	const char *user;
	const char *maildir;
	uint64_t    quota_bytes, quota_messages; /* 0: no limit */
	const char *extension; /* of user+extension@; "" for none */
};

/* Done: `mailbox` is filled. Permanent 5.1.1: no such mailbox. Temporary: authd or its database cannot say. */
struct outcome mailbox_find(struct mailbox_client *c, const char *address, struct mailbox *mailbox);

#endif
