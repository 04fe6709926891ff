/* The store's own side of a folder's view; lib/store only. */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/store/dotlock.h"
#include "lib/store/folder.h"
#include "lib/store/index_file.h"
#include "lib/store/name.h"

struct name_block; /* a piece of memory that holds names */

/* A change within this time of an earlier one may leave a directory's time as it was: one second where a file system keeps no less. */
#define SCAN_GRAIN_MS 1100

struct scan_slot {
	uint32_t hash;
	uint32_t entry; /* index into folder.messages + 1, 0: free */
};

struct folder_scan {
	struct scan_slot  *slots; /* hash of bases */
	size_t             slot_count; /* a power of two */
	struct name_block *blocks;
	size_t             name_bytes; /* of all of them */
	bool               hashed;  /* slots are those of the array */
	struct index_stamp fresh_stamp, cur_stamp; /* of the directories when they were last read */
	struct index_stamp list_stamp; /* of the UID list when it was last read or written */
	uint64_t           list_end;   /* its bytes then, up to the end of a line; 0: not known */
	uint32_t           list_next;  /* all entries that it had then are below this UID */
	struct index_stamp list_before; /* folder_number_begin() */
	uint64_t           list_check; /* when it has so many bytes it is asked whether most of them are waste */
	unsigned           sure;     /* INDEX_SURE_*: the stamps were old when they were taken */
	bool               trusted;  /* the times are older than the clock's grain: equal times mean no change */
	bool               known_only; /* the scan under way adds no messages, so the array stays in place */
	uint32_t           highest;  /* highest UID that the view has ever had */
	bool               list_read;   /* so `bound` is known */
	uint64_t           bound;       /* of mod-sequences: what the list has now */
	uint64_t           found_bound; /* what it had when it was last read */
	struct timespec    keywords_time;
	struct dotlock     list_lock; /* lib/store/list_lock.h */
	unsigned           list_locks; /* how often we hold it; 0: not */
	bool               names_locked; /* we hold the flock of cur/, shared */
};

/* tmp, new and cur of a folder that was only found. False with errno. */
bool folder_open_parts(struct folder *f);
/* The index of the message with this base, or SIZE_MAX. */
size_t scan_find(const struct folder *f, struct slice base);
/* Adds a message behind the others, with a copy of its name. NULL with errno. */
struct message *scan_add(struct folder *f, struct slice name, const struct name_parts *parts);
/* The same for one of many: the hash is made when it is asked next. */
struct message *scan_append(struct folder *f, struct slice name, const struct name_parts *parts);
/*
 * So many messages are to come, perhaps, with so many bytes of names in all: room for them that is not touched costs nothing, growing step
 * by step copies. A guess may be wrong.
 */
void scan_expect(struct folder *f, uint64_t messages, uint64_t names);
/* Gives back what was taken for more messages than there are. */
void scan_rest(struct folder *f);
/* Makes f->scan when it is not there. */
bool scan_prepare(struct folder *f);
/* Forgets all messages. */
void scan_forget(struct folder *f);
/* Gives a message another name of the same base. */
bool scan_rename(struct folder *f, struct message *m, struct slice name);
/* After the array was sorted or made smaller: the hash is made anew when it is asked next. */
void scan_unhash(struct folder *f);
/* Makes it now. Without memory scan_find() would find nothing: for those to whom that makes a difference. */
bool scan_hash(const struct folder *f);
/* Has the memory for it, so that making it when it is asked next cannot fail. */
bool scan_hash_room(const struct folder *f);
void scan_free(struct folder *f);
/*
 * Reads new/ and cur/: unknown messages are added behind the others with uid 0,
 * names and flags of known ones brought up to date, what is not found is
 * marked vanished (when `stable`, or when it was missing the last time, too).
 * `*stable` tells whether the directories certainly stood still meanwhile;
 * with `sure` it tries hard for that.
 */
bool scan_directories(struct folder *f, bool sure, bool *stable);
/* Reads new/ alone, when cur/ is as it was. `*enough`: all that was in new/ is still there; else both must be read. */
bool scan_fresh(struct folder *f, bool *enough);
/* What the directories' stamps are now. */
bool scan_stamps(const struct folder *f, struct index_stamp *fresh, struct index_stamp *cur);
/*
 * Around each rename within cur/: keeps a scan that must not miss anything
 * away, ours by flock(2), Dovecot's by dovecot-uidlist.lock, which it holds
 * while it scans. `begun` goes on to the end.
 */
bool scan_begin_rename(struct folder *f);
void scan_end_rename(struct folder *f, bool begun); /* keeps errno */
/* At the end of a change (index_end()), through which the flock is held. */
void scan_end_renames(struct folder *f);

/* Gives UIDs to the messages behind `known` that have none, and sorts them in. False with errno (ESTALE). */
bool assign_uids(struct folder *f, size_t known);
/* The view agrees with the list; ESTALE when that is one of another uidvalidity. */
struct uidlist;
bool assign_accept(struct folder *f, const struct uidlist *l);
/* As long as it says the same, the list is as we know it. Taken before reading, or after writing under the lock. */
struct index_stamp assign_list_stamp(const struct folder *f);
/* The view has all that the list had up to byte `end` (0: nobody knows), when its stamp was that. */
void assign_know(struct folder *f, const struct index_stamp *stamp, uint64_t end, uint32_t next);
/* Gives an old UID list, which has no GUID, one: it is written anew, durable. */
bool assign_guid(struct folder *f);
/* Raises the bound of mod-sequences in the UID list to at least `bound`, durable. */
bool assign_bound(struct folder *f, uint64_t bound);
/* Reads the list for a view that came from the index: false when it says something else. */
bool assign_verify(struct folder *f);

/* Reads `dovecot-keywords` when it changed. */
bool keywords_load(struct folder *f);

#endif
