/* The text of a bounce: multipart/report (RFC 6522) with a message/delivery-status (RFC 3464). */
#ifndef QUEUE_BOUNCE_H
#define QUEUE_BOUNCE_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "queue/file.h"

#define BOUNCE_MOST (8u << 20)

struct bounce {
	const struct queue_file *file;   /* the message that failed; its recipients of status F are reported */
	const char              *hostname;
	struct slice             to;     /* who gets it */
	struct slice             headers; /* of the message, as received */
	bool                     to_postmaster; /* a notice, because the sender is null */
};

/* Appends the whole message, with CRLF. False when there is no memory. */
bool bounce_compose(struct str *into, const struct bounce *b);

#endif
