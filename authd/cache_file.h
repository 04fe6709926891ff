/*
 * The cache's file: a cdb, read into memory.
 *
 * Record:  cdb key    the key's hash, 8 bytes, under a salt of this file
 *          cdb value  checksum (8 bytes), then time (8: milliseconds since 1970),
 *                     letter of the map (1), state (1), length of the key (2), key, value
 * Mark:    cdb key    "!postern-cache"
 *          cdb value  version (1), salt (16), time of the file (8), number of records (4), checksum (8)
 *
 * Numbers are little-endian. The checksum is of all that follows it (in the
 * mark: that goes before), so damage makes a record absent and never another
 * answer. The salt keeps strangers from choosing keys that share a hash: cdb's
 * own hash has none. Equal hashes of two keys are left to luck (2^-64): the
 * newer record stays, the other is a miss.
 *
 * Why it is read and not mapped: a mapped file that somebody cuts short in
 * place ends the process with SIGBUS. The size is bounded (`most`), and reading
 * goes piece by piece between the loop's turns. tinycdb writes the file; the
 * reader is ours, for tinycdb's wants a descriptor and believes lengths.
 */
#ifndef AUTHD_CACHE_FILE_H
#define AUTHD_CACHE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/cache_hash.h"
#include "authd/maps.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"

#define CACHE_PATH_MOST   4096
#define CACHE_FILE_LEAST  (64u << 10)
#define CACHE_FILE_MOST   (1u << 30)
#define CACHE_FILE_MARK   "!postern-cache"
#define CACHE_FILE_VERSION 1
#define CACHE_FILE_KEY    8  /* bytes of a record's cdb key */
#define CACHE_MARK_SIZE   37
#define CACHE_RECORD_HEAD 12 /* bytes before the key */

/* One record, over bytes of somebody else. */
struct cache_record {
	int64_t         time; /* milliseconds since 1970 */
	char            letter;
	enum fact_state state; /* FACT_LATER: forget the key (on its way to the writer, never in the file) */
	struct slice    key, value;
};

/* A record's bytes (without a checksum) are this head, the key, and the value. */
void cache_record_head(const struct cache_record *r, char head[CACHE_RECORD_HEAD]);
/* False: these bytes are none. */
bool cache_record_parse(struct slice bytes, struct cache_record *r);

struct cache_file {
	char             *bytes;    /* mapped, not for children; NULL: no file */
	size_t            len, got; /* got < len: still being read */
	size_t            data_end; /* where the records end and the tables begin */
	int               fd;       /* while it is being read */
	struct siphash_key salt;
	int64_t           time;     /* when it was written, milliseconds since 1970 */
	uint32_t          records;
};

enum cache_reading { CACHE_READ_MORE, CACHE_READ_DONE, CACHE_READ_FAILED };

/*
 * Begins to read. False with the reason in words in `*why`: not there (errno
 * is ENOENT then), longer than `most`, not a regular file, of another owner, open to others.
 */
bool cache_file_open(struct cache_file *f, const char *path, size_t most, const char **why);
/* Reads at most `bytes` more; at the end verifies the mark. Failed: `*why` says so, and the file is closed. */
enum cache_reading cache_file_read(struct cache_file *f, size_t bytes, const char **why);
/* Over bytes that are there already (`f->bytes`, `f->len`): verifies the mark. */
bool cache_file_check(struct cache_file *f, const char **why);
/* Gives the memory back to the kernel. */
void cache_file_close(struct cache_file *f);

enum cache_lookup { CACHE_ABSENT, CACHE_PRESENT, CACHE_DAMAGED };

enum cache_lookup cache_file_find(const struct cache_file *f, enum map map, struct slice key, struct cache_record *r);

/* For the writer: cdb key and value (of the record's bytes), and the mark's value (of salt, time and records). */
void cache_file_key(struct siphash_key salt, char letter, struct slice key, char bytes[CACHE_FILE_KEY]);
bool cache_file_encode(struct str *to, struct slice record);
void cache_mark_encode(const struct cache_file *f, char mark[CACHE_MARK_SIZE]);

/* Walks all records: `*at` begins as 0. CACHE_DAMAGED: this one does not verify, go on; CACHE_ABSENT: that was the last. */
enum cache_lookup cache_file_next(const struct cache_file *f, size_t *at, struct cache_record *r);

#endif
