/*
 * One message's text on its way from the client to queued, whatever command
 * carries it (DATA, BDAT): trace line, limits, commit, answer. No byte of it is
 * kept here.
 */
#ifndef SMTPD_MESSAGE_H
#define SMTPD_MESSAGE_H

#include "lib/base/outcome.h"
#include "smtpd/hops.h"
#include "smtpd/session.h"

struct message {
	struct hops hops;
	uint64_t    size;    /* what the client sent, without dots of transparency */
	bool        bare;    /* a CR or LF stood alone in it */
	bool        filtered; /* filters look at it first (filters.h) */
	bool        dropped; /* it will not be accepted: the rest is read and thrown away */
};

/*
 * Has the message opened at queued, and its trace line written. Done; or what
 * is wrong, to be answered by the caller in place of "go ahead".
 */
struct outcome message_begin(struct session *s, struct message *m);
/* The next bytes. Trouble is kept for message_end(). */
void message_take(struct session *s, struct message *m, struct slice bytes);
/* The text is whole: commits it and answers 250, or why not. The envelope is to be reset after it. */
void message_end(struct session *s, struct message *m);
/* The client went in the middle: nothing was promised, nothing is kept. */
void message_forget(struct session *s, struct message *m);

#endif
