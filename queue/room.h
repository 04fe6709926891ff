/* What the queue's file system has left, looked at once a second at most: asked for each message before its text is taken. */
#ifndef QUEUE_ROOM_H
#define QUEUE_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/directory.h"

struct room {
	const struct queue_directory *directory;
	uint64_t keep_bytes, keep_inodes; /* that stay free */
	uint64_t bytes, inodes;           /* left when it was looked at, less what was promised since */
	int64_t  looked;                  /* when, in ms of clock_ms(); 0: never */
};

/*
 * There is room for one more file of so many bytes: they are taken off what is left until it is looked at again. False: there is
 * not (logged), or it cannot be told.
 */
bool room_take(struct room *r, uint64_t bytes);

#endif
