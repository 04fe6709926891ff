/*
 * The file `postern-index`, without knowledge of what a folder is: a state at
 * its start that is written in place, and behind it blocks that are only ever
 * appended. The store's own; index.h has the design.
 *
 *     state | block | block | ... up to state.end; what lies behind is nothing
 *     block:  head, then records of one kind, or the texts that records point to
 *     record: checksum, length, what the kind says
 *
 * Nothing is believed but what has its checksum right. Each one is begun with
 * the file's random id and the place, so that an old block, another file's or a
 * shifted one is as wrong as noise. The file is read with pread(2) into memory
 * of ours, never mapped: one who cuts it short cannot end the reader by SIGBUS.
 * Numbers are in this machine's order; another one's file is not believed.
 */
#ifndef STORE_INDEX_FILE_H
#define STORE_INDEX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define INDEX_NAME       "postern-index"
#define INDEX_TEMPORARY  "postern-index.tmp"
#define INDEX_BLOCK_MOST (1u << 20) /* bytes of a block behind its head; texts too */
#define INDEX_BLOCK_GOOD 65536u     /* from here on a new one is begun */

/* What stat(2) says of a directory or of the UID list: as long as it says the same, nothing has changed. */
struct index_stamp {
	uint64_t inode;
	uint64_t size; /* of a directory 0 */
	int64_t  seconds, nanoseconds;
};

#define INDEX_UNKNOWN UINT64_MAX /* a size that is not known */

#define INDEX_SURE_FRESH 1u
#define INDEX_SURE_CUR   2u

/* Of all messages that the records tell of; folder_status() (status.h). */
struct index_counts {
	uint64_t messages, fresh, unseen, deleted;
	uint64_t bytes;     /* on the wire; INDEX_UNKNOWN: the size of one is not known */
};

struct index_state {
	char     magic[8];
	uint64_t id;        /* of this file; another one's blocks are not taken for its own */
	uint64_t end;       /* the blocks end here */
	uint64_t waste;     /* bytes of records that later ones have replaced, about */
	uint64_t modseq;    /* the highest that was given */
	uint64_t bound;     /* no higher one may be given before a higher bound stands in the UID list */
	uint64_t forgotten; /* expunges up to this one may have been forgotten */
	struct index_stamp fresh, cur, list; /* new/, cur/, dovecot-uidlist as they were when all in them was known */
	uint64_t adopted;   /* deliveries before it have their UIDs */
	uint32_t uidvalidity, uidnext;
	uint64_t sure;      /* INDEX_SURE_*: the stamps of the directories were old enough when they were taken */
	uint64_t counted;   /* not 0: `counts` are those of all records; who writes one of a message makes it 0 */
	struct index_counts counts;
	uint64_t sum;
};

enum index_kind {
	INDEX_MESSAGES = 1, /* struct index_message, its name behind it: the last one of a UID counts */
	INDEX_FACTS,        /* struct index_facts, the same; without UID: a delivery, its base behind it */
	INDEX_GONE,         /* struct index_gone */
	INDEX_TEXTS,        /* bytes that facts point to */
};

struct index_block {
	uint64_t sum; /* of the head */
	uint64_t id, at;
	uint32_t kind, len;
};

/* How each record begins; `len` is a multiple of 8 and counts all of it. */
struct index_record {
	uint64_t sum;
	uint32_t len;
	uint32_t uid;
};

struct index_message {
	struct index_record head;
	uint64_t modseq;
	uint32_t keywords;
	uint8_t  flags, in_new;
	uint8_t  name_len, base_len;
};

struct index_facts {
	struct index_record head;
	uint64_t inode;     /* of the file that they are true of */
	uint64_t size, wire_size;
	int64_t  date;      /* internal date; 0: not known */
	int64_t  sent;      /* the Date field; INT64_MIN: none, or not known */
	uint64_t text_at, text_sum; /* 0: no texts */
	uint32_t envelope, structure, header; /* lengths; one behind the other at text_at */
	uint32_t base_len;
};

struct index_gone {
	struct index_record head;
	uint64_t modseq;
};

/* A piece of the file. Two, because records and the texts that they point to are far from each other. */
struct index_window {
	char    *bytes;
	size_t   room, len;
	uint64_t at;
};

struct index_file {
	int                 fd;     /* -1: not open */
	ino_t               inode;
	struct index_state  state;  /* as last read or written */
	struct index_window windows[2];
	unsigned            last;   /* the one used last */
};

/* Opens the file and reads its state. False when there is none, or none that can be believed (fd is open then), or with errno. */
bool index_file_open(struct index_file *x, int directory);
void index_file_close(struct index_file *x);
/* Reads the state again. False: not to be believed (any more). */
bool index_file_reread(struct index_file *x);
/* Whether the folder's index is still this file. */
bool index_file_current(const struct index_file *x, int directory);

/*
 * The lock of all who write: flock(2) of the file that bears the name, which is
 * made, empty, when it is absent. Waits `patience` milliseconds. True: locked,
 * open, and `*sound` says whether its state can be believed.
 */
bool index_file_lock(struct index_file *x, int directory, int patience, bool *sound);
void index_file_unlock(const struct index_file *x);

/* `len` bytes at `at`, valid until the next call; NULL when they are not there. Only what lies before state.end. */
const char *index_file_bytes(struct index_file *x, uint64_t at, size_t len);
/* Gives the memory for that back. */
void index_file_rest(struct index_file *x);
/* Keeps it for the next file; and gives back what is kept. */
void index_file_spare(struct index_file *x);
void index_file_rest_spare(void);

/* Takes the block at `*at` and moves `*at` behind it. Texts are passed over unread (`records` is empty). False: noise. */
bool index_file_block(struct index_file *x, uint64_t *at, enum index_kind *kind, struct slice *records, uint64_t *records_at);
/* Takes the next record of a block; its bytes are copied to `record` (of `size`), `behind` is what follows them in it. */
bool index_record_next(const struct index_state *s, enum index_kind kind, struct slice *records, uint64_t *at,
    void *record, size_t size, struct slice *behind);

/* Appends a record to a block that is being made; the checksum is made by index_file_append(). */
bool index_record_add(struct str *block, void *record, size_t size, struct slice behind);
/*
 * Appends a block at state.end (under the lock) and moves that; the file shows
 * it when index_file_commit() has written the state.
 */
bool index_file_append(struct index_file *x, enum index_kind kind, struct str *block);
bool index_file_commit(struct index_file *x);

/* Begins a new file under the lock of the old one, under its temporary name; `x` is closed, unlocked, or as it was with errno. */
bool index_file_begin(struct index_file *made, int directory);
/* Puts it, locked, in the old one's place. */
bool index_file_replace(struct index_file *x, struct index_file *made, int directory);

/* A checksum: any change within 8 bytes is found for certain, others once in 2^64 not. */
uint64_t index_sum(uint64_t seed, const void *bytes, size_t len);
bool index_stamp_same(const struct index_stamp *a, const struct index_stamp *b);
struct index_stamp index_stamp_of(const struct stat *st);

#endif
