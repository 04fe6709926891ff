/* The store's own side of a folder's view; lib/store only. */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/store/dotlock.h"
#include "lib/store/folder.h"

struct name_block; /* a piece of memory that holds names */

struct folder_scan {
	uint32_t          *slots; /* hash of bases: index into folder.messages + 1, 0: free */
	size_t             slot_count; /* a power of two */
	struct name_block *blocks;
	struct timespec    fresh_time, cur_time; /* of the directories when they were last read */
	bool               trusted;  /* the times are older than the clock's grain: equal times mean no change */
	bool               known_only; /* the scan under way adds no messages, so the array stays in place */
	uint32_t           highest;  /* highest UID that the view has ever had */
	struct timespec    keywords_time;
	struct dotlock     list_lock; /* lib/store/list_lock.h */
	unsigned           list_locks; /* how often we hold it; 0: not */
};

/* The index of the message with this base, or SIZE_MAX. */
size_t scan_find(const struct folder *f, struct slice base);
/* Adds a message behind the others, with a copy of its name. NULL with errno. */
struct message *scan_add(struct folder *f, struct slice name, const struct name_parts *parts);
/* Gives a message another name of the same base. */
bool scan_rename(struct folder *f, struct message *m, struct slice name);
/* Makes the hash anew, after the array was sorted or made smaller. */
bool scan_index(struct folder *f);
void scan_free(struct folder *f);
/*
 * Reads new/ and cur/: unknown messages are added behind the others with uid 0,
 * names and flags of known ones brought up to date, what is not found is
 * marked vanished (when `stable`, or when it was missing the last time, too).
 * `*stable` tells whether the directories certainly stood still meanwhile;
 * with `sure` it tries hard for that.
 */
bool scan_directories(struct folder *f, bool sure, bool *stable);
/*
 * Around each rename within cur/: keeps a scan that must not miss anything
 * away, ours by flock(2), Dovecot's by dovecot-uidlist.lock, which it holds
 * while it scans. Who does many calls folder_begin_changes() first. `begun`
 * goes on to the end.
 */
bool scan_begin_rename(struct folder *f);
void scan_end_rename(struct folder *f, bool begun); /* keeps errno */

/* Gives UIDs to the messages behind `known` that have none, and sorts them in. False with errno (ESTALE). */
bool assign_uids(struct folder *f, size_t known);

/* Reads `dovecot-keywords` when it changed. */
bool keywords_load(struct folder *f);

#endif
