/* The conversation with the interpreter about one message: what it answers, packet by packet, put into a plan. */
#ifndef DELIVER_SIEVE_TALK_H
#define DELIVER_SIEVE_TALK_H

#include "deliver/plan.h"
#include "lib/base/slice.h"
#include "lib/store/maildir.h"

struct sieve_talk {
	int                   socket;
	const struct maildir *maildir; /* for its questions */
	const char           *to;      /* the recipient, for the log */
};

enum sieve_talked {
	TALK_DONE,
	TALK_LOST,  /* it ended before it was done: the script, or the message, was too much for it */
	TALK_LATER, /* it gave no answer in time, or could not begin */
};

/* Sends bytes as one or more packets of a verb, with a name in front when there is one. False: it is gone. */
bool sieve_talk_send(const struct sieve_talk *t, const char *verb, const char *name, struct slice bytes);
/* Reads all up to `done`. */
enum sieve_talked sieve_talk_receive(const struct sieve_talk *t, struct plan *p);

#endif
