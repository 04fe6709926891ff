/*
 * The sessions' daemon tells authd what mailboxes hold. One word a user is
 * under way; what changes meanwhile is told behind it. When authd is away it is
 * told when it is back, so that a mailbox that was emptied in between does not
 * stay full for it.
 */
#ifndef FRONT_TELLING_H
#define FRONT_TELLING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/front/tally.h"
#include "lib/ipc/client.h"

#define TELLING_MOST 64 /* users at a time: sessions that talk without end shall not fill the memory */

struct telling {
	struct client client; /* .service and .timeout are the owner's */
	/* Its own. */
	struct told_word {
		struct telling *owner;
		char     user[TALLY_USER_MOST + 1]; /* "": free */
		uint64_t bytes, messages;
		bool     asked;   /* is under way */
		bool     changed; /* since it was asked */
	} words[TELLING_MOST];
	struct timer again;
};

/* A word that finds no room is lost; the next one of that user says more. */
void telling_usage(struct telling *t, const char *user, uint64_t bytes, uint64_t messages);

#endif
