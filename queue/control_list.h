/* Pages of what waits, oldest first, for queue/show: the files themselves say it, and the manager is not asked. */
#ifndef QUEUE_CONTROL_LIST_H
#define QUEUE_CONTROL_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ipc/packet.h"
#include "queue/directory.h"
#include "queue/file.h"

/*
 * Adds where the next page begins, NEXT (an id; "" at the end) and SKIP, and
 * then recipients, ten fields each, from the message `from` on, leaving out its
 * first `skip`. A page costs what it shows, wherever it begins. False when the
 * directory cannot be read.
 */
bool list_page(struct packet *out, const struct queue_directory *d, uint64_t from, uint64_t skip);
/* The same of the message `id` alone. */
void list_message(struct packet *out, const struct queue_directory *d, uint64_t id, uint64_t skip);
/* Opens and reads a message; -1: there is none. */
int  list_open(const struct queue_directory *d, uint64_t id, struct queue_file *f);
/* "held", "deferred" or "queued". */
const char *list_state(const struct queue_file *f);

#endif
