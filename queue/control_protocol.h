/* What both ends of queue/control and queue/show know of their packets; ARCHITECTURE.md has the table. */
#ifndef QUEUE_CONTROL_PROTOCOL_H
#define QUEUE_CONTROL_PROTOCOL_H

#include <stdbool.h>

#include "lib/base/slice.h"

#define CONTROL_IDS_MOST 256 /* messages of one order: a few ms of the manager's time */

/* A status code that says that something failed (RFC 3463, class 5): "5.1.1". */
bool control_is_code(struct slice text);

#endif
