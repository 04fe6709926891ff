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

/* Runs in a child of its own, until the manager's end of `manager` is closed. The manager says "go" first. */
_Noreturn void intake_run(int manager, struct queue_directory *directory, const struct queue_settings *settings);

/* --- the way to the manager (intake_notify.c) --------------------------------- */

/* Watches the socket to the manager; ends the process when the manager is gone. */
bool intake_notify_begin(int manager);
/* Tells the manager of a committed message; never blocks, never forgets one. */
void intake_notify(uint64_t id);

#endif
