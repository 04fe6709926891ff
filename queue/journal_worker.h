/* Workers that wait for the disk on the journal's behalf (a pool of lib/ipc/pool.h): one for a group, one for emptying. */
#ifndef QUEUE_JOURNAL_WORKER_H
#define QUEUE_JOURNAL_WORKER_H

#include "lib/ipc/packet.h"
#include "lib/ipc/pool.h"
#include "queue/directory.h"

/* Prepares the pool; pool_start() is the caller's. */
void journal_worker_prepare(struct pool *pool, const struct queue_directory *directory);
/* The job: what was written to journal file `number` is made durable. */
void journal_worker_sync(struct packet *p, unsigned number);
/* The job: all files that its round speaks of, up to `end`, are made durable, those that are still there, and it is blanked. */
void journal_worker_empty(struct packet *p, unsigned number, uint64_t key, uint64_t end);
/* The answer: 0, or the errno of what failed. NULL is a worker that was lost. */
int  journal_worker_result(struct packet *answer);

#endif
