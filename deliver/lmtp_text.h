/*
 * The text of a message on its way from the client into the file that the
 * worker reads, whatever command carries it: trace line, line ends, limits.
 * The file is used again for each message: the size tells where this one ends.
 */
#ifndef DELIVER_LMTP_TEXT_H
#define DELIVER_LMTP_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"
#include "lib/mail/line_ends.h"

struct lmtp_session;

struct lmtp_text {
	bool             begun;
	bool             passes; /* line ends are judged by whoever gives the bytes, who sets `bare` */
	bool             bare;   /* a CR or LF stood alone in it, and must not */
	struct line_ends ends;
	uint64_t         size;   /* bytes of the file, our Received: line too */
	int              error;  /* errno of a write that failed: the rest is read and thrown away; 0: none */
	size_t           used;
	char             buffer[32768];
};

/* A new message with a new id; `judged`: DATA, whose dots tell of bare line ends. */
void lmtp_text_begin(struct lmtp_session *s, bool judged);
/* The next bytes. Trouble is kept. */
void lmtp_text_add(struct lmtp_session *s, struct slice bytes);
/* What is wrong with it so far for all recipients, or done. Logs what is trouble of ours. */
struct outcome lmtp_text_judge(const struct lmtp_session *s);
/* It is whole: gives it to the recipients, each with an answer of his own, and forgets it. */
void lmtp_text_end(struct lmtp_session *s);
/* The client went away, or gave it up. */
void lmtp_text_lost(struct lmtp_session *s);

#endif
