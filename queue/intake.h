/*
 * The intake: a process of postern-queued that takes messages over the sockets
 * queue/intake and queue/submit and makes them durable (steps open and commit
 * of STATES.md). It tells the manager the ids of what it has committed.
 */
#ifndef QUEUE_INTAKE_H
#define QUEUE_INTAKE_H

#include <stdint.h>

#include "lib/ipc/packet.h"
#include "queue/directory.h"
#include "queue/settings.h"

/* Runs in a child of its own, until the manager's end of `manager` is closed. The manager says "go" first. `number` is that of this start: id.h. */
_Noreturn void intake_run(int manager, struct queue_directory *directory, const struct queue_settings *settings, uint64_t number);

/* --- the way to the manager (intake_notify.c) --------------------------------- */

#define INTAKE_IDS_MOST 1024 /* of one packet */

/* Watches the socket to the manager, which answers offers; ends the process when the manager is gone. */
bool intake_notify_begin(int manager);
/* Tells the manager of a committed message; never blocks, never forgets one. */
void intake_notify(uint64_t id);
/* Tells it of one that is complete and not durable (offer.h). False: no memory, it was not told. */
bool intake_notify_offer(uint64_t id);
/* Tells it that a message which waits is to be tried now; the same. */
void intake_notify_hurry(uint64_t id);

/* --- what waits for a domain (intake_etrn.c) ----------------------------------- */

typedef void intake_etrn_done(void *context, size_t count);

/*
 * Has every message that waits for a recipient in `domain`, and is not held,
 * tried now; then says how many there were. Never within the call. False: not
 * now (another search is under way, or trouble, logged).
 */
bool intake_etrn(const struct queue_directory *d, const char *domain, intake_etrn_done *done, void *context);
/* Who asked is gone: he is not told. */
void intake_etrn_forget(const void *context);

#endif
