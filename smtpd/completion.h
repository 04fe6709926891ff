/*
 * What a user's program left out of a message (RFC 6409 sections 8.2 and 8.3,
 * Date and Message-ID), put in behind the last field of the header as it streams
 * by. Nothing of the header is kept but the first bytes of its first line.
 */
#ifndef SMTPD_COMPLETION_H
#define SMTPD_COMPLETION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define COMPLETION_NAMES 2  /* Date, Message-ID */
#define COMPLETION_HELD  80 /* a first line that holds no ":" so far is judged at this length */

struct completion {
	enum { COMPLETION_FIRST, COMPLETION_HEADER, COMPLETION_BODY } state;
	bool   there[COMPLETION_NAMES];
	bool   fits[COMPLETION_NAMES];    /* the line so far is the beginning of that field */
	size_t matched[COMPLETION_NAMES]; /* bytes of its name */
	size_t column;
	bool   cr;    /* a CR at the start of a line is held back: the header may end here */
	size_t held;  /* bytes in first[] */
	char   first[COMPLETION_HELD];
	struct slice ready;     /* to be given out before anything else */
	char         added[512];
	char         date[64], id[400];
};

/* `queue_id` and `host` make the Message-ID, `now` the Date. */
void completion_begin(struct completion *c, const char *queue_id, const char *host, int64_t now);
/*
 * Takes the next run of the message from the front of `*in`, as dotreader_run()
 * does; it lies in `*in`'s memory or in `*c`. Empty: `*in` is used up.
 */
struct slice completion_run(struct completion *c, struct slice *in);
/* The message ended: what is still to come, first the rest of what was held. Call until it is empty. */
struct slice completion_finish(struct completion *c);

#endif
