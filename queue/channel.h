/*
 * Channels: connections to postern-remote, each with one request at a time. Up
 * to remote_concurrency of them. One that has served a destination is taken for
 * it again, so that remote can go on with the session that it has with that
 * host; when nothing came for some seconds it is closed.
 */
#ifndef QUEUE_CHANNEL_H
#define QUEUE_CHANNEL_H

#include <stdbool.h>

#include "lib/base/outcome.h"
#include "queue/destination.h"

/*
 * Sends the group's request on the channel that fits best. One must be free:
 * there are as many as the traffic has places. outward_answered() follows,
 * never within this call. False, logged: postern-remote is away.
 */
bool channel_send(struct group *g);

/* outward.c: what became of a group; NULL: the channel was lost. */
void outward_answered(struct group *g, const struct outcome *outcomes);

#endif
