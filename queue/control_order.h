/*
 * What an administrator orders to be done to some messages (queue/control). For
 * each verb one function; it does its work on what waits within the call, a few
 * ms for the most ids that a packet has, and syncs nothing: that is asked of
 * the viewer (control_view.c) by the tool, so that no disk stalls the manager.
 */
#ifndef QUEUE_CONTROL_ORDER_H
#define QUEUE_CONTROL_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "queue/control_protocol.h"
#include "queue/file.h"
#include "queue/manager.h"

struct order {
	uint64_t       ids[CONTROL_IDS_MOST]; /* in order */
	size_t         count;
	struct outcome reason; /* of fail: what the senders are told */
	uint64_t       busy[CONTROL_IDS_MOST]; /* of ids: not done, because they are at work */
	size_t         busy_count;
};

/* Each returns to how many it was done. */
size_t order_flush(struct order *o);
size_t order_hold(struct order *o);
size_t order_release(struct order *o);
/* The rest is done to what waits only. */
size_t order_delete(struct order *o);
size_t order_fail(struct order *o);
size_t order_requeue(struct order *o);

/* --- shared by these ------------------------------------------------------------------ */

/* The next message at work that is ordered, after `m` when that is not NULL. */
struct message *order_at_work(const struct order *o, struct message *m);
/* Does `change` to what waits and notes what is at work. */
size_t order_waiting(struct order *o, bool (*change)(void *order, struct waiting_entry *e));
/* Opens and reads a file for a change, -1 when it is no message; the file and its descriptor are the caller's. */
int  order_open(uint64_t id, struct queue_file *f);
void order_close(int fd, struct queue_file *f);
/* The line that something was done, or why not (errno). */
void order_log(const char *event, uint64_t id);
void order_log_trouble(const char *step, uint64_t id);

#endif
