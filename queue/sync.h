/* Workers that wait for the disk in the intake's place (a pool of lib/ipc/pool.h). */
#ifndef QUEUE_SYNC_H
#define QUEUE_SYNC_H

#include "lib/ipc/packet.h"
#include "lib/ipc/pool.h"
#include "queue/directory.h"

#define SYNC_TIMEOUT 120000 /* ms: a disk that takes longer is no disk */

/* Prepares a pool of `workers`; pool_start() is the caller's. */
void sync_prepare(struct pool *pool, const struct queue_directory *directory, size_t workers);
/* The job: make the file `id`, open as `fd`, and its name durable. */
void sync_request(struct packet *p, uint64_t id, int fd);
/* Its answer: 0, or the errno of what failed. */
int  sync_result(struct packet *answer);

#endif
