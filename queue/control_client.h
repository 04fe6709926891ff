/* The tools' side of queue/control. */
#ifndef QUEUE_CONTROL_CLIENT_H
#define QUEUE_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ipc/packet.h"

/* One recipient of a message in the queue; texts are valid until the next call. */
struct queue_entry {
	const char *id, *sender, *recipient, *state, *text;
	uint64_t    size, arrival, next_try;
};

/* Connects; -1, said on standard error. */
int control_connect(const char *program);

/*
 * Calls `each` for every recipient of every message, in order of arrival. False
 * when the queue was lost or does not keep to the protocol.
 */
bool control_list(int fd, void (*each)(void *context, const struct queue_entry *e), void *context);

/*
 * Has `verb` (flush, hold, release, delete) done to a message (NULL: left out).
 * False: refused or lost; true with the number of messages that it was done to.
 */
bool control_steer(int fd, const char *verb, const char *id, uint64_t *count);

#endif
