#include "authd/cache_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "authd/users_cdb.h"
#include "lib/base/random.h"

#define BYTES_A_CHAIN 128 /* of the arena: about one record */

static void
choose_salt(struct cache_ring *r)
{
	random_bytes(&r->salt, sizeof r->salt);
}

/* The children of this process (hashing workers, for one) must not have it, nor a core file. */
static void *
map_private(size_t size)
{
	void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		return NULL;
	if (madvise(bytes, size, MADV_DONTFORK) < 0) {
		munmap(bytes, size);
		return NULL;
	}
	madvise(bytes, size, MADV_DONTDUMP);
	return bytes;
}

bool
cache_ring_begin(struct cache_ring *r, size_t size)
{
	if (size < CACHE_MEMORY_LEAST || size > CACHE_MEMORY_MOST) {
		errno = EINVAL;
		return false;
	}
	*r = (struct cache_ring){.chain_count = 1};
	while (r->chain_count * 2 <= size / BYTES_A_CHAIN)
		r->chain_count *= 2;
	r->size = (size - r->chain_count * sizeof *r->chains) & ~(size_t)7;
	r->arena = map_private(r->size + r->chain_count * sizeof *r->chains);
	if (r->arena == NULL)
		return false;
	r->chains = (uint32_t *)(void *)(r->arena + r->size);
	choose_salt(r);
	return true;
}

static void
wipe(struct cache_ring *r)
{
	/* What was never written to needs no wiping, and takes no memory so far. */
	explicit_bzero(r->arena, r->head < r->size ? (size_t)r->head : r->size);
	memset(r->chains, 0, r->chain_count * sizeof *r->chains);
}

void
cache_ring_end(struct cache_ring *r)
{
	if (r->arena == NULL)
		return;
	wipe(r);
	munmap(r->arena, r->size + r->chain_count * sizeof *r->chains);
	*r = (struct cache_ring){.size = 0};
}

void
cache_ring_clear(struct cache_ring *r)
{
	wipe(r);
	r->tail = r->head;
	r->records = 0;
	choose_salt(r);
}

/* --- entries ---------------------------------------------------------------------- */

static struct cache_entry *
entry_at(struct cache_ring *r, uint64_t position)
{
	return (struct cache_entry *)(void *)(r->arena + position % r->size);
}

static struct cache_entry *
entry_of(struct cache_ring *r, uint32_t link)
{
	return link == 0 ? NULL : (struct cache_entry *)(void *)(r->arena + (size_t)(link - 1) * 8);
}

static uint32_t
link_of(const struct cache_ring *r, const struct cache_entry *e)
{
	return (uint32_t)(((const char *)e - r->arena) / 8 + 1);
}

struct slice
cache_entry_key(const struct cache_entry *e)
{
	return slice_make(e->bytes, e->key_len);
}

struct slice
cache_entry_value(const struct cache_entry *e)
{
	return slice_make(e->bytes + e->key_len, e->value_len);
}

static uint32_t *
chain_of(struct cache_ring *r, uint32_t hash)
{
	return &r->chains[hash & (r->chain_count - 1)];
}

static uint32_t
hash_of(const struct cache_ring *r, enum map map, struct slice key)
{
	return (uint32_t)cache_hash_key(r->salt, (char)map, key);
}

static struct cache_entry *
find(struct cache_ring *r, uint32_t hash, enum map map, struct slice key)
{
	for (struct cache_entry *e = entry_of(r, *chain_of(r, hash)); e != NULL; e = entry_of(r, e->next))
		if (e->hash == hash && e->map == map && slice_equal(cache_entry_key(e), key))
			return e;
	return NULL;
}

struct cache_entry *
cache_ring_find(struct cache_ring *r, enum map map, struct slice key)
{
	return find(r, hash_of(r, map, key), map, key);
}

static void
drop(struct cache_ring *r, struct cache_entry *e)
{
	uint32_t *link = chain_of(r, e->hash), gone = link_of(r, e);
	while (*link != gone)
		link = &entry_of(r, *link)->next;
	*link = e->next;
	e->kind = CACHE_ENTRY_DEAD;
	explicit_bzero(e->bytes, (size_t)e->key_len + e->value_len);
	r->records--;
}

/* --- appending ---------------------------------------------------------------------- */

static void
make_room(struct cache_ring *r, size_t size)
{
	while (r->head + size - r->tail > r->size) {
		struct cache_entry *oldest = entry_at(r, r->tail);
		r->tail += oldest->size;
		if (oldest->kind == CACHE_ENTRY_DEAD)
			continue;
		drop(r, oldest);
		r->evicted++;
	}
}

/* An entry lies in one piece: when too little is left before the arena's end, a filler takes that. */
static struct cache_entry *
append(struct cache_ring *r, size_t size)
{
	size_t left = r->size - (size_t)(r->head % r->size);
	if (left < size) {
		make_room(r, left);
		struct cache_entry *filler = entry_at(r, r->head);
		filler->size = (uint32_t)left;
		filler->kind = CACHE_ENTRY_DEAD;
		r->head += left;
	}
	make_room(r, size);
	struct cache_entry *e = entry_at(r, r->head);
	r->head += size;
	return e;
}

static bool
same_answer(const struct cache_entry *e, enum fact_state state, struct slice value)
{
	return e->kind == state && slice_equal(cache_entry_value(e), value);
}

struct cache_entry *
cache_ring_note(struct cache_ring *r, enum map map, struct slice key, enum fact_state state, struct slice value, int64_t now)
{
	if (key.len > CACHE_RING_KEY_MOST)
		return NULL;
	if (sizeof(struct cache_entry) + key.len + value.len > r->size / 8) {
		state = FACT_LATER;
		value.len = 0;
	}
	uint32_t hash = hash_of(r, map, key);
	struct cache_entry *e = find(r, hash, map, key);
	if (e != NULL && same_answer(e, state, value)) {
		e->time = now;
		return e;
	}
	if (e != NULL)
		drop(r, e);
	size_t size = (sizeof *e + key.len + value.len + 7) & ~(size_t)7;
	e = append(r, size);
	*e = (struct cache_entry){.size = (uint32_t)size, .key_len = (uint16_t)key.len, .map = (uint8_t)map, .kind = (uint8_t)state,
	    .hash = hash, .value_len = (uint32_t)value.len, .time = now};
	if (key.len > 0)
		memcpy(e->bytes, key.data, key.len);
	if (value.len > 0)
		memcpy(e->bytes + key.len, value.data, value.len);
	uint32_t *chain = chain_of(r, hash);
	e->next = *chain;
	*chain = link_of(r, e);
	r->records++;
	return e;
}

struct cache_entry *
cache_ring_next(struct cache_ring *r, uint64_t *position, uint64_t end, size_t *looks)
{
	if (*position < r->tail)
		*position = r->tail;
	for (; *position < end && *looks > 0; --*looks) {
		struct cache_entry *e = entry_at(r, *position);
		*position += e->size;
		if (e->kind != CACHE_ENTRY_DEAD)
			return e;
	}
	return NULL;
}
