/*
 * The manager: the process of postern-queued that plans. An event loop; it
 * hands local recipients to deliver workers (local.c), others to postern-remote
 * (outward.c), asks authd what an address is (resolve.c), and holds of a
 * message that waits its id and its time only (waiting.c). What is held waits
 * without a time (hold.c).
 */
#ifndef QUEUE_MANAGER_H
#define QUEUE_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/ipc/client.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/packet.h"
#include "queue/directory.h"
#include "queue/expand.h"
#include "queue/file.h"
#include "queue/settings.h"
#include "queue/waiting.h"

struct message;

/* One recipient that is being looked up or delivered. */
struct delivery {
	struct delivery *next;      /* in the line that it stands in */
	struct message  *message;
	uint32_t         recipient; /* index in message->file */
	char            *transport; /* remote ones: malloc'ed, may be empty */
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
	bool               bouncing;   /* the bouncer is at work for it: a bounce, or a notice */
	bool               broken;     /* a change could not be written: forget it and read it anew later */
	bool               hurried;    /* what deferred it was trouble of our own: try again soon */
	bool               advancing;
	struct timer       later;      /* for an end that must not come within a call */
};

struct manager {
	const struct queue_settings *settings;
	struct queue_directory       directory;
	struct waiting               waiting;
	struct message              *active; /* at work */
	size_t                       active_count;
	struct timer                 due;
	bool                         draining; /* begin nothing new */
	struct client                lookup;
	struct packet                out; /* for building one packet at a time */
};

extern struct manager manager;

/* --- manager.c ---------------------------------------------------------------- */

/* A message that is to be worked on at `due`. Ends the process without memory: the next start finds it. */
void manager_wait_until(uint64_t id, uint64_t due);
/* Starts what is due, as far as there is room. */
void manager_start_due(void);
void manager_run(int intake, int spawner);
/* No new work; ends the process when what is under way has ended, or soon. */
void manager_drain(const char *why);

/* --- message.c ------------------------------------------------------------------ */

/* Where the manager knows a message from. */
enum origin {
	ORIGIN_COMMITTED, /* the intake has just said so */
	ORIGIN_WAITED,    /* it waited; when it could not be read at its first turn, nobody has checked it yet */
	ORIGIN_FOUND,     /* by a scan, so it may be uncommitted */
};

/* Begins to work on a message. */
void message_start(uint64_t id, enum origin origin);
/* Starts further recipients; ends the run when all have ended or are deferred. */
void message_advance(struct message *m);
/* The recipient was delivered, failed, or is deferred. Frees `d`. */
void delivery_ended(struct delivery *d, const struct outcome *o);
/* Trouble of our own (a program away, a worker lost): deferred, and tried again soon. Frees `d`. */
void delivery_interrupted(struct delivery *d, const char *why);
/* The recipient was replaced by what an alias gave. Frees `d`. */
void delivery_replaced(struct delivery *d);
/* The bounce was made (ok) or must be tried again. */
void message_bounced(struct message *m, bool ok);
/* Everybody was told that it is held, or must be told later. */
void message_told(struct message *m, bool ok);

/* The descriptor for marks, opened when first asked for; -1 with errno. */
int message_open_for_writing(struct message *m);
struct file_recipient *delivery_recipient(const struct delivery *d);

/* --- resolve.c: what is an address? ----------------------------------------------- */

void delivery_resolve(struct delivery *d);

/* --- local.c: deliver workers ------------------------------------------------------ */

bool local_begin(int spawner);
void local_deliver(struct delivery *d);
size_t local_busy(void);

/* --- outward.c: postern-remote ------------------------------------------------------ */

/* Groups m->outward by way and sends. */
void outward_deliver(struct message *m);
size_t outward_busy(void);

/* --- bouncer.c ----------------------------------------------------------------------- */

bool bouncer_begin(void);
/* Makes the bounce of all recipients of status F; message_bounced() follows, never within this call. */
void bouncer_make(struct message *m);
/* Tells the postmaster that it is held; message_told() follows, never within this call. */
void bouncer_tell(struct message *m);

/* --- hold.c: what is not to be tried until an administrator says so ------------------ */

/*
 * A message that came to be held: says so in the log, and to the postmaster if
 * smtpd asked for it or he knows nothing of this login. message_told() follows.
 */
void hold_tell(struct message *m);
/* The postmaster knows that its login's mail is held; or he does not after all. */
void hold_told(const struct message *m);
void hold_not_told(const struct message *m);
void hold_prepare(void);

/* --- control.c: what administrators ask for ------------------------------------------- */

/* Listens at queue/control. `viewer` is the socket of the process that shows the queue: when that ends, so do we. False, logged. */
bool control_begin(int viewer);

#endif
