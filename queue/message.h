/*
 * A message at work, from the manager's first look at it to the end of this
 * attempt: message.c begins and forgets, message_run.c starts its recipients,
 * message_marks.c takes down what becomes of each, message_end.c decides what
 * is next when all have ended or are deferred, message_wait.c until when it waits.
 */
#ifndef QUEUE_MESSAGE_H
#define QUEUE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/ipc/loop.h"
#include "queue/expand.h"
#include "queue/file.h"
#include "queue/waiting.h"

#define TAG_SEVERAL UINT32_MAX

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
	size_t             bytes;      /* of memory, about */
	uint32_t           started;    /* so many recipients are ended, deferred or under way */
	uint32_t          *order;      /* their indexes in the order in which they are started, from `ordered_from` on */
	uint32_t           ordered_from, ordered_to;
	uint32_t           under_way;
	uint32_t           looking;    /* of these: at authd */
	struct delivery   *outward;    /* looked up, to be grouped for postern-remote */
	struct address_set seen;
	bool               bouncing;   /* the bouncer is at work for it: a letter to the sender, or a notice */
	bool               late;       /* that letter tells of the delay too */
	bool               broken;     /* a change could not be written: forget it and read it anew later */
	uint32_t           parked;     /* recipients for whom there was no place in their line in this attempt */
	uint32_t           deferred;   /* recipients that were deferred in it */
	uint32_t           parked_for; /* the tag of the destination whose line it was, the last one */
	uint32_t           tag;        /* of the destination of its recipients; 0: none yet; TAG_SEVERAL */
	struct bcc        *bcc;        /* it is being asked who gets a copy: no recipient is started before */
	uint32_t           held_recipients; /* in this run, by a transport: what is left then is held */
	bool               hurried;    /* what deferred it was trouble of our own: try again soon */
	bool               advancing;
	bool               offered;    /* the intake waits for message_not_now(), or for its end */
	struct timer       later;      /* for an end that must not come within a call */
};

/* --- message.c: begin and end ------------------------------------------------- */

/* Where the manager knows a message from. */
enum origin {
	ORIGIN_COMMITTED, /* the intake has just said so: it is whole */
	ORIGIN_OFFERED,   /* whole as well, and the intake waits with its sync: offer.h */
	ORIGIN_WAITED,    /* it waited, and may have been torn or damaged before or since */
};

/* Begins to work on a message; `e` is what was known of it while it waited. */
void message_start(const struct waiting_entry *e, enum origin origin);
/* No place and no memory is needed any more. Frees `m`. */
void message_forget(struct message *m);
/* It will not end at once, in Maildirs alone: if it was offered, the intake is to sync it. */
void message_not_now(struct message *m);
/* Trouble of our own: it is looked at again in a minute. */
void message_try_later(uint64_t id);

/* --- message_run.c: starting its recipients ------------------------------------- */

/* Begins an attempt: what is to be done before the first recipient is started belongs here. */
void message_begin_run(struct message *m);
/* Some of its recipients are for the destination of that tag. */
void message_goes_to(struct message *m, uint32_t tag);
/* Starts further recipients; ends the run when all have ended or are deferred. */
void message_advance(struct message *m);

/* --- message_marks.c: what becomes of a recipient -------------------------------- */

/* The recipient was delivered, failed, or is deferred. Frees `d`. */
void delivery_ended(struct delivery *d, const struct outcome *o);
/* Trouble of our own (a program away, a worker lost): deferred, and tried again soon. Frees `d`. */
void delivery_interrupted(struct delivery *d, const char *why);
/* The recipient was replaced by what an alias gave. Frees `d`. */
void delivery_replaced(struct delivery *d);
/* There is no place in the line of its destination: the recipient waits, and no attempt is counted. Frees `d`. */
void delivery_parked(struct delivery *d, uint32_t tag);
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
/* What waits now: with what is known of it, for the next attempt. Frees `m`. (message_wait.c) */
void message_wait(struct message *m);
/* It has been waiting for longer than it may. (message_wait.c) */
bool message_is_too_old(const struct message *m);
/* The bounce was made (ok) or must be tried again. */
void message_bounced(struct message *m, bool ok);
/* Everybody was told that it is held, or must be told later. */
void message_told(struct message *m, bool ok);

#endif
