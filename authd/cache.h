/*
 * What SQL answered, by map and key, with the time of the answer: so that a
 * fresh answer costs no query, and an old one serves while the database is
 * gone. How long an answer is fresh and how long a stale one serves is the
 * caller's to decide: the cache answers with the age.
 *
 * Memory: a ring of fixed size (cache_ring.h) holds what was noted last. File:
 * a cdb (cache_file.h) keeps it over restarts; a confined worker writes it
 * (cache_writer.h) from what the loop hands over, beside the old file, and
 * renames it into place. It is read into memory, not mapped. Neither is seen
 * by processes that are forked from this one (MADV_DONTFORK).
 *
 * Ages are of the monotonic clock for what this process noted, of the real
 * clock for what the file holds; a record of the file that is from the future
 * is older than any limit.
 *
 * A file that is cut short, damaged, another's or of another version gives no
 * wrong answer: what does not verify is absent, counted, and logged once.
 */
#ifndef AUTHD_CACHE_H
#define AUTHD_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "authd/cache_file.h"
#include "authd/cache_ring.h"
#include "authd/cache_writer.h"
#include "authd/maps.h"
#include "lib/base/slice.h"
#include "lib/ipc/pool.h"
#include "lib/sandbox/sandbox.h"

#define CACHE_KEY_MOST CACHE_RING_KEY_MOST /* 1400 bytes: a key with service and remote address; longer ones are not kept */
#define CACHE_AGE_UNKNOWN INT64_MAX        /* of a record from the future */

struct cache_counters {
	/* The caller's: it alone knows what it did with an answer. The cache only keeps them together. */
	uint64_t hits;     /* answered from here, fresh */
	uint64_t stale;    /* answered from here because the database was gone */
	uint64_t misses;   /* SQL had to be asked */
	uint64_t negative; /* a "no" from here that was asked again */
	/* The cache's own. */
	uint64_t found_memory, found_file, absent; /* what cache_find() said */
	uint64_t evicted;  /* gave way in memory to newer ones */
	uint64_t damaged;  /* records of the file that did not verify */
	uint64_t writes, failed_writes, flushes;
	/* As it is now; cache_count() brings these up to date. */
	uint64_t records, bytes;           /* in memory */
	uint64_t file_records, file_bytes;
	int64_t  file_age;                 /* seconds since the file was written, -1: there is none */
};

/* What cache_find() found. The value is the cache's: valid until the next call of it, or the next turn of the loop. */
struct cache_fact {
	enum fact_state state; /* FACT_FOUND or FACT_NONE */
	struct slice    value;
	int64_t         age_ms; /* 0..CACHE_AGE_UNKNOWN */
	bool            from_file;
};

enum cache_step {
	CACHE_IDLE,    /* nothing is being written; `timer` is set when there is news */
	CACHE_HANDING, /* records go to the writer, packet by packet */
	CACHE_WRITING, /* it merges and writes */
};

struct cache {
	/* Set by the program. */
	const char *path;   /* of the cdb: ".../authd/cache.cdb"; "": memory only. Its directory must be there, and ours */
	size_t      memory; /* bytes of the ring: CACHE_MEMORY_LEAST..CACHE_MEMORY_MOST */
	size_t      most;   /* bytes of the file: CACHE_FILE_LEAST..CACHE_FILE_MOST */
	uint64_t    keep;   /* seconds: what is older is left out of the file */

	struct cache_counters counters;

	/* The cache's own. */
	struct cache_ring ring;
	struct cache_file file, fresh; /* in use; being read */
	struct cache_writer writer;
	struct pool       pool;
	struct timer      timer;       /* the next write, or the next step of what is going on */
	struct timer      reading;     /* the next piece of the file that is being read */
	struct timer      limit;       /* of cache_finish() */
	enum cache_step   step;
	bool              news, started, first, finishing;
	bool              complained, damage_told; /* a failing write, a damaged record: said once */
	uint32_t          attempt, good; /* number of the write that is going on, or was the last; of the last that succeeded */
	uint64_t          from, end;     /* what is left to hand over of the ring */
	uint32_t          generation, handing_generation; /* counts flushes: what was handed over before one is forgotten */
	int64_t           begun, not_before; /* clock_ms(): of this write; before which the next does not begin */
	char              directory[CACHE_PATH_MOST];
};

/*
 * Makes the ring and reads the file, if there is one (as the user that will
 * run it, before confinement). A directory that cannot be written is logged:
 * memory only. False with errno: no memory.
 */
bool cache_begin(struct cache *c);
/*
 * Starts the writer. After loop_begin(). The loop forks it anew when it died,
 * so the loop must keep CALLS_WRITE_FILES and the paths of cache_paths(). False with errno.
 */
bool cache_start(struct cache *c);
/* The directory that Landlock must leave to the process. The number of paths: 0 or 1. */
size_t cache_paths(const struct cache *c, struct sandbox_path *path);

/* Notes what SQL answered at that clock_ms(). FACT_LATER is no answer and changes nothing. */
void cache_note(struct cache *c, enum map map, struct slice key, enum fact_state state, struct slice value, int64_t at);
/* False when nothing is known. */
bool cache_find(struct cache *c, enum map map, struct slice key, struct cache_fact *found);
/*
 * Forgets everything, memory and file, at once. What the writer has in hand is
 * forgotten too. False, logged: the file could not be removed, and a restart would read it.
 */
bool cache_flush(struct cache *c);
/* The counters, up to date. */
const struct cache_counters *cache_count(struct cache *c);

/*
 * The orderly end, after loop_run(): what is new is written, for which the
 * loop runs again for at most 2 s. Then wipes and frees all memory.
 */
void cache_finish(struct cache *c);

#endif
