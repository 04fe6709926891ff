/* Asks authd which Maildir an address has, and tells it what that holds. One connection, kept open; blocking, with a deadline. */
#ifndef DELIVER_MAILBOX_H
#define DELIVER_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/base/str.h"
#include "lib/ipc/packet.h"
#include "lib/store/maildirsize.h"

struct mailbox_client {
	int           socket; /* to authd/lookup; -1: not connected */
	uint64_t      last_tag;
	unsigned      told; /* answers to mailbox_tell() that nobody has read yet */
	struct packet packet;
};

/* The texts live in the client's packet, until the next question. Nothing in them is trusted. */
struct mailbox {
	const char *user;
	const char *maildir;
	const char *extension; /* of user+extension@; "" for none */
	struct quota_amount limits;       /* 0: none */
	uint64_t            domain_limit; /* bytes that all mailboxes of his domain may hold together; 0: any */
};

/* Done: `mailbox` is filled. Permanent 5.1.1: no such mailbox. Temporary: authd or its database cannot say. */
struct outcome mailbox_find(struct mailbox_client *c, const char *address, struct mailbox *mailbox);

/*
 * The sender under which a message from `sender` goes on to `target`: its own,
 * or one of ours when the target is a stranger's (ARCHITECTURE.md, `forward`).
 * Done: `as` is it. Temporary: authd cannot say.
 */
struct outcome mailbox_forward(struct mailbox_client *c, const char *target, const char *sender, struct str *as);

/*
 * Tells authd what a mailbox holds (`user`), or a whole domain ("@example.org"), so that RCPT says when it is full. Nothing is
 * waited for: the answer is passed over by the next question. What is lost is told again with the next delivery.
 */
void mailbox_tell(struct mailbox_client *c, const char *user, struct quota_amount used);

/* Before the program ends: waits a moment for the answers to what was told, as authd drops the rest of one who is gone. Closes. */
void mailbox_close(struct mailbox_client *c);

#endif
