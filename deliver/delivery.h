/* One message into one Maildir. */
#ifndef DELIVER_DELIVERY_H
#define DELIVER_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "deliver/admit.h"
#include "deliver/mailbox.h"
#include "lib/base/outcome.h"
#include "lib/store/save.h"

struct delivery {
	const char *id;       /* queue id, for the log; NULL: none */
	const char *sender;   /* "" for the null sender */
	const char *address;  /* the recipient that has a Maildir */
	const char *original; /* what the sender wrote; may be the same */
	int         message;  /* regular file, or any descriptor when `stream` */
	uint64_t    offset;   /* where the message begins */
	uint64_t    length;   /* UINT64_MAX: to the end of the file */
	bool        stream;   /* read until the end, as a pipe */
};

/* What is needed for it, kept from one delivery to the next. */
struct deliverer {
	int                   mail_root;
	struct mailbox_client authd;
	struct save           save;
	struct admission      admission;
	char                  buffer[65536];
};

/*
 * Done: the message is durable in new/. Temporary or permanent: nothing of it
 * is there. Logs one line.
 */
struct outcome deliver(struct deliverer *d, const struct delivery *what);

#endif
