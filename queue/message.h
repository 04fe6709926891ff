/*
 * A message at work, from the manager's first look at it to the end of this
 * attempt: message.c begins and forgets, message_run.c starts its recipients,
 * message_marks.c takes down what becomes of each, message_end.c decides what
 * is next when all have ended or are deferred.
 */
#ifndef QUEUE_MESSAGE_H
#define QUEUE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/ipc/loop.h"
#include "queue/expand.h"
#include "queue/file.h"

struct message;
struct bcc;

/* One recipient that is being looked up or delivered. */
struct delivery {
	struct delivery *next;      /* in the line that it stands in */
	struct message  *message;
	uint32_t         recipient; /* index in message->file */
	char            *transport; /* remote ones: malloc'ed, may be empty */
	char            *sender;    /* malloc'ed: under which it is forwarded; NULL: the message's own */
};

/* A message at work. */
struct message {
	struct message    *next, *previous;
	uint64_t           id;
	char               name[ID_LETTERS + 1];
	struct queue_file  file;
	int                fd;         /* open for reading: what workers get */
	int                write_fd;   /* for marks, opened when the first is made; -1 */
	uint32_t           started;    /* recipients before this one are ended, deferred or under way */
	uint32_t           under_way;
	uint32_t           looking;    /* of these: at authd */
	struct delivery   *outward;    /* looked up, to be grouped for postern-remote */
	struct address_set seen;
	bool               bouncing;   /* the bouncer is at work for it: a letter to the sender, or a notice */
	bool               late;       /* that letter tells of the delay too */
	bool               broken;     /* a change could not be written: forget it and read it anew later */
	struct bcc        *bcc;        /* it is being asked who gets a copy: no recipient is started before */
	uint32_t           held_recipients; /* in this run, by a transport: what is left then is held */
	bool               hurried;    /* what deferred it was trouble of our own: try again soon */
	bool               advancing;
	struct timer       later;      /* for an end that must not come within a call */
};

/* --- message.c: begin and end ------------------------------------------------- */

/* Where the manager knows a message from. */
enum origin {
	ORIGIN_COMMITTED, /* the intake has just said so */
	ORIGIN_WAITED,    /* it waited; when it could not be read at its first turn, nobody has checked it yet */
	ORIGIN_FOUND,     /* by a scan, so it may be uncommitted */
};

/* Begins to work on a message. */
void message_start(uint64_t id, enum origin origin);
/* No place and no memory is needed any more. Frees `m`. */
void message_forget(struct message *m);
/* Trouble of our own: it is looked at again in a minute. */
void message_try_later(uint64_t id);

/* --- message_run.c: starting its recipients ------------------------------------- */

/* Begins an attempt: what is to be done before the first recipient is started belongs here. */
void message_begin_run(struct message *m);
/* Starts further recipients; ends the run when all have ended or are deferred. */
void message_advance(struct message *m);

/* --- message_marks.c: what becomes of a recipient -------------------------------- */

/* The recipient was delivered, failed, or is deferred. Frees `d`. */
void delivery_ended(struct delivery *d, const struct outcome *o);
/* Trouble of our own (a program away, a worker lost): deferred, and tried again soon. Frees `d`. */
void delivery_interrupted(struct delivery *d, const char *why);
/* The recipient was replaced by what an alias gave. Frees `d`. */
void delivery_replaced(struct delivery *d);
/* The descriptor for marks, opened when first asked for; -1 with errno. */
int message_open_for_writing(struct message *m);
struct file_recipient *delivery_recipient(const struct delivery *d);
/* Writes how an attempt ended into the file; the message is broken when that fails. */
void message_mark(struct message *m, struct file_recipient *r, enum recipient_status status, const struct outcome *o);
/* The line about a recipient's end. */
void message_log_ended(const struct message *m, const struct file_recipient *r, const struct outcome *o);
/* A change could not be written (errno). */
void message_change_failed(struct message *m);

/* --- message_end.c: the end of an attempt ----------------------------------------- */

/* Every recipient has ended or is deferred: removed, bounced, or to be tried again. `m` may be gone after it. */
void message_end_run(struct message *m);
/* The bounce was made (ok) or must be tried again. */
void message_bounced(struct message *m, bool ok);
/* Everybody was told that it is held, or must be told later. */
void message_told(struct message *m, bool ok);

#endif
