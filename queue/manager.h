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

#include "lib/ipc/client.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/packet.h"
#include "queue/directory.h"
#include "queue/message.h"
#include "queue/settings.h"
#include "queue/waiting.h"

struct manager {
	const struct queue_settings *settings;
	struct queue_directory       directory;
	struct waiting               waiting;
	struct message              *active; /* at work */
	size_t                       active_count;
	struct timer                 due;    /* of places_start_due() */
	bool                         draining; /* begin nothing new */
	struct client                lookup;
	struct packet                out; /* for building one packet at a time */
};

extern struct manager manager;

/* --- manager.c ---------------------------------------------------------------- */

/* A message that is to be worked on at `due`. Ends the process without memory: the next start finds it. */
void manager_wait_until(uint64_t id, uint64_t due);
/* The same with all that is known of it. */
void manager_wait(struct waiting_entry e);
/* A process of queued that serves sockets of its own until its pair of ours ends. */
struct manager_part {
	int   socket;
	pid_t pid;
};
/* Of `parts` the first is the intake. Returns only when it cannot begin. */
#define MANAGER_PARTS 2
void manager_run(const struct manager_part parts[MANAGER_PARTS], int spawner);
/* What became of a message that the intake has offered: it has ended, or is not to end soon and has to be synced. */
void manager_answer_offer(uint64_t id, bool ended);
/* No new work; ends the process when what is under way has ended, or soon. */
void manager_drain(const char *why);

/* --- resolve.c: what is an address? ----------------------------------------------- */

void delivery_resolve(struct delivery *d);

/* --- local.c: deliver workers ------------------------------------------------------ */

bool local_begin(int spawner);
void local_deliver(struct delivery *d);
size_t local_busy(void);

/* --- outward.c: postern-remote ------------------------------------------------------ */

void outward_begin(void);
/* Groups m->outward by way, and has them stand in line. */
void outward_deliver(struct message *m);
size_t outward_busy(void);

/* --- bouncer.c ----------------------------------------------------------------------- */

/* The file of the setting bounce_template, if there is one. False: it is wrong, as the log says, and not used. */
bool bouncer_read_templates(void);
bool bouncer_begin(void);
/*
 * Makes the letter that tells of all recipients of which report_of() has
 * something to tell (with m->late); message_bounced() follows, never within this
 * call. Until then the message and its file stay as they are.
 */
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
