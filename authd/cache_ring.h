/*
 * The cache's memory: one arena of fixed size, in which records are appended
 * at the head and give way at the tail, with an index of chains. Noting the
 * same value again renews its time in place. No allocation after the begin.
 *
 * The arena holds password hashes: children of this process do not have it
 * (a read there faults), and what is forgotten is wiped.
 *
 * A position is the number of bytes ever appended before: it only grows, so
 * that one that was kept is known to be gone when the tail has passed it.
 */
#ifndef AUTHD_CACHE_RING_H
#define AUTHD_CACHE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/cache_hash.h"
#include "authd/maps.h"
#include "lib/base/slice.h"

#define CACHE_MEMORY_LEAST  (64u << 10)
#define CACHE_MEMORY_MOST   (1u << 30)
#define CACHE_RING_KEY_MOST 1400

/* In the arena, at a multiple of 8, `size` bytes long; key and value follow. */
struct cache_entry {
	uint32_t size;    /* these 8 bytes a filler has too, that goes to the arena's end */
	uint16_t key_len;
	uint8_t  map;
	uint8_t  kind;    /* enum fact_state (FACT_LATER: known to be unknown), or CACHE_ENTRY_DEAD */
	uint32_t next;    /* in its chain: place / 8 + 1, 0 ends it */
	uint32_t hash;
	uint32_t value_len;
	uint32_t attempt; /* number of the write that took it to the file; 0: none yet */
	int64_t  time;    /* clock_ms() of the answer */
	int64_t  stored;  /* the same, as that write took it */
	char     bytes[];
};

#define CACHE_ENTRY_DEAD 0xff

struct cache_ring {
	struct siphash_key salt;
	char             *arena;
	size_t            size;        /* of the arena, a multiple of 8 */
	uint32_t         *chains;      /* first of each chain, as cache_entry.next */
	size_t            chain_count; /* a power of two */
	uint64_t          head, tail;  /* positions */
	size_t            records;     /* that are alive */
	uint64_t          evicted;
};

/* Maps about `size` bytes, index included. False with errno. */
bool cache_ring_begin(struct cache_ring *r, size_t size);
/* Wipes and unmaps. */
void cache_ring_end(struct cache_ring *r);
/* Wipes; empty as at the begin, with another salt. */
void cache_ring_clear(struct cache_ring *r);

struct cache_entry *cache_ring_find(struct cache_ring *r, enum map map, struct slice key);
/*
 * Notes at `now` (clock_ms). A value of more than an eighth of the arena is
 * not kept: the key is noted as FACT_LATER then, so that no older answer of the
 * file takes its place. NULL: the key is too long.
 */
struct cache_entry *cache_ring_note(struct cache_ring *r, enum map map, struct slice key, enum fact_state state,
    struct slice value, int64_t now);

struct slice cache_entry_key(const struct cache_entry *e);
struct slice cache_entry_value(const struct cache_entry *e);

/* The next living entry at or after `*position` (moved behind it) and before `end`; `*looks` bounds how many are looked at. */
struct cache_entry *cache_ring_next(struct cache_ring *r, uint64_t *position, uint64_t end, size_t *looks);

#endif
