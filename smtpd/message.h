/*
 * One message's text on its way from the client to queued, whatever command
 * carries it (DATA, BDAT): trace line, line ends, what a user's program left
 * out, limits, commit, answer. No byte of it is kept here.
 */
#ifndef SMTPD_MESSAGE_H
#define SMTPD_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"
#include "lib/mail/line_ends.h"
#include "smtpd/completion.h"
#include "smtpd/hops.h"

struct session;

enum message_command {
	MESSAGE_DATA,
	MESSAGE_BDAT,
};

/* What is done about line ends. */
enum message_lines {
	LINES_JUDGED,    /* the caller sets `bare` himself */
	LINES_LOOKED_AT, /* a bare CR or LF sets `bare` */
	LINES_NORMALIZED,
	LINES_ANY,       /* BINARYMIME: every byte stays as it is */
};

struct message {
	bool                 begun;   /* between message_begin() and its end */
	enum message_command command;
	enum message_lines   lines;
	struct line_ends     ends;
	struct hops          hops;
	struct completion    completion;
	bool                 completes; /* Date and Message-ID are put in where they are missing */
	bool                 paused;  /* what follows comes with another command */
	uint64_t             size;    /* what the client sent, without dots of transparency */
	bool                 bare;    /* a CR or LF stood alone in it, and must not */
	bool                 filtered; /* filters look at it first (filters.h): it is not at queued before its end */
	bool                 dropped; /* it will not be accepted: nothing is open at queued, the rest is read and thrown away */
	struct outcome       trouble; /* why it could not be begun */
};

/*
 * Has the message opened at queued, and its trace line written. Done; or what
 * is wrong, to be answered by the caller: then what follows is dropped, and
 * message_end() would answer the same.
 */
struct outcome message_begin(struct session *s, struct message *m, enum message_command command);
/* The next bytes. Trouble is kept. */
void message_take(struct session *s, struct message *m, struct slice bytes);
/* What is wrong with it so far, or done. */
struct outcome message_judge(const struct session *s, const struct message *m);
/* The command ends and the message does not: what was gathered is sent, s->packet is free for others. */
void message_pause(struct session *s, struct message *m);
/* The text is whole: commits it and answers 250, or why not. The envelope is to be reset after it. */
void message_end(struct session *s, struct message *m);
/* It was given up in the middle, or the client went: nothing was promised, nothing is kept. */
void message_forget(struct session *s, struct message *m);

#endif
