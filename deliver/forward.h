/* What a recipient's script sends: the message to others, an answer to its sender. Both are handed to the queue. */
#ifndef DELIVER_FORWARD_H
#define DELIVER_FORWARD_H

#include "deliver/delivery.h"

/* The field that each redirect gets in front, with the mailbox that it comes from: by it a loop is known. */
#define REDIRECTED_FROM "X-Sieve-Redirected-From"

/*
 * Done: the queue has all redirects, durable. Temporary: it has not, try again
 * (those that it took are sent again then). An answer that the queue does not
 * take is logged and forgotten: it is no reason to hold mail up.
 */
struct outcome forward_all(struct deliverer *d, const struct under_way *u, const struct plan *p);
/* The same of the message that tells the sender of a refusal: without it nobody would, so the queue must have it. */
struct outcome forward_refusal(const struct under_way *u, const struct plan *p);

#endif
