/* The viewer: the process of postern-queued that shows what waits, and waits for the disk in the tools' place. */
#ifndef QUEUE_CONTROL_VIEW_H
#define QUEUE_CONTROL_VIEW_H

#include "queue/directory.h"

/* Listens at queue/show until the process is ended; `manager` is the end of a pair that tells the manager of our end. */
_Noreturn void view_run(int manager, struct queue_directory *directory);

#endif
