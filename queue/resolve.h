/* What resolve.c and way.c share: questions about one recipient to authd, and where it goes then. */
#ifndef QUEUE_RESOLVE_H
#define QUEUE_RESOLVE_H

#include "queue/manager.h"

/* Asks about the recipient's address. The handler takes `looking` of the message down again. */
void resolve_ask(struct delivery *d, const char *verb, answer_handler *handler);
/* The same with what was begun in manager.out. */
void resolve_send(struct delivery *d, answer_handler *handler);
/* No answer, or "later": the delivery is tried again soon. Frees `d`. */
void resolve_failed(struct delivery *d, const char *status, struct packet *answer);
bool resolve_is(const char *status, const char *wanted);

/* Another host has its mail, or what the transport says. */
void way_ask(struct delivery *d);
/* The same of an address that is not ours: forwarded under a sender of ours when an alias gave it. */
void way_to_stranger(struct delivery *d);
/* There is no such user: ends the delivery, in the words of a transport where one has some. */
void way_of_unknown(struct delivery *d);

#endif
