/*
 * What a long command says of itself while it works: untagged OK responses with
 * the code INPROGRESS (RFC 9585), so that the client knows how far it is and
 * does not give up. None where a command is done sooner than PROGRESS_EVERY.
 */
#ifndef IMAPD_PROGRESS_H
#define IMAPD_PROGRESS_H

#include "imapd/session.h"

#define PROGRESS_EVERY 10000 /* ms; RFC 9585 section 4 recommends 10 to 15 seconds */

struct progress {
	uint64_t goal;
	int64_t  next; /* clock_ms() */
};

/* The command will have looked at `goal` things in the end. */
struct progress progress_begin(uint64_t goal);
/* It has looked at `done` of them, and no response of its own is begun. Flushes what it says. */
void progress_at(struct progress *p, struct session *s, uint64_t done);

#endif
