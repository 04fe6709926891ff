/*
 * The Maildir first. A message that is too large for the journal is offered to
 * the manager before it is synced: when all its recipients have it in their
 * Maildirs within the setting maildir_first, it has come to its end, and need
 * never reach the disk in the queue. The manager says that it has ended, or that
 * it will not now (somebody is elsewhere, is to hear of a failure, has to wait);
 * then, or when the time is over, it is synced as any other. The answer to
 * the client follows the one or the other. STATES.md: step `end first`.
 */
#ifndef QUEUE_OFFER_H
#define QUEUE_OFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/commit.h"

/* What becomes of a commit: it has ended (0 as error), or is to be synced by itself. */
struct offer_ends {
	void (*ended)(struct commit *k, int error);
	void (*by_itself)(struct commit *k);
};

/* `patience` in seconds; 0: nothing is ever offered. */
void offer_begin(uint64_t patience, const struct offer_ends *ends);
/* Offers it, or has it synced at once: when an offer came to nothing for want of time a moment ago. */
void offer_make(struct commit *k);
/* The manager's answer. */
void offer_answered(uint64_t id, bool ended);

#endif
