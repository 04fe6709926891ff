/* The queue directory: 32 directories of queue files, one of damaged ones, and the lock. STATES.md says why. */
#ifndef QUEUE_DIRECTORY_H
#define QUEUE_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIRECTORY_PARTS 32

struct queue_directory {
	const char *path;
	int         root;
	int         damaged;
	int         journal;  /* directory of the journal: journal.h, ended.h */
	int         parts[DIRECTORY_PARTS];
	int         lock; /* -1: not locked */
};

/* Opens it, and makes what is missing within it (durably). False, logged. */
bool queue_directory_open(struct queue_directory *d, const char *path);
/*
 * Takes the lock that all processes of one queued share by inheritance, so
 * that two never work at once. Waits at most `patience` ms. False, logged.
 */
bool queue_directory_lock(struct queue_directory *d, int64_t patience);
void queue_directory_close(struct queue_directory *d);

/* The number of the part that a file lies in. */
unsigned queue_directory_part(uint64_t id);
/* A new file, open for reading and writing; -1 with errno. */
int  queue_directory_create(const struct queue_directory *d, uint64_t id);
/* A file that nobody else finds and that is gone with its last descriptor. -1 with errno. One process of a queue at a time. */
int queue_directory_scratch(const struct queue_directory *d);
/* `flags` as for open(2); never follows a link. -1 with errno. */
int  queue_directory_open_file(const struct queue_directory *d, uint64_t id, int flags);
/* In the manager it is noted that the message has ended: ended.h. */
bool queue_directory_remove(const struct queue_directory *d, uint64_t id);
/* One that was never answered: not noted, for the journal may know better and could not be read. */
bool queue_directory_sweep(const struct queue_directory *d, uint64_t id);
/* Moves a file that cannot be understood to damaged/. */
bool queue_directory_set_aside(const struct queue_directory *d, uint64_t id);
/* fsync of the part that holds the name of `id`. */
bool queue_directory_sync(const struct queue_directory *d, uint64_t id);
/* What its file system has left for us; inodes are UINT64_MAX where they are made as they are needed. False with errno. */
bool queue_directory_room(const struct queue_directory *d, uint64_t *bytes, uint64_t *inodes);

/*
 * How often a queued has begun here, this time counted: no number comes again, for it is durable when this returns. Random where
 * it could not be read or written, logged. Under the lock.
 */
uint64_t queue_directory_count_start(const struct queue_directory *d);

/* Calls `each` for every name that is an id, in no order. False with errno when it could not be read, or `each` said so. */
bool queue_directory_scan(const struct queue_directory *d, bool (*each)(void *context, uint64_t id), void *context);

/* The same as a list, which grows as needed and is used again; `ids` is to be freed. */
struct directory_ids {
	uint64_t *ids;
	size_t    count, room;
};
bool queue_directory_ids(const struct queue_directory *d, struct directory_ids *found);

#endif
