#include "authd/recent.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/random.h"

void
recent_begin(struct recent *r)
{
	r->salt = random_number();
}

/* FNV-1a over salt, map and key. */
static size_t
slot_of(const struct recent *r, enum map map, struct slice key)
{
	uint64_t hash = (14695981039346656037u ^ r->salt ^ (uint64_t)map) * 1099511628211u;
	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ (unsigned char)key.data[i]) * 1099511628211u;
	return (hash ^ hash >> 32) % RECENT_SLOTS;
}

void
recent_note(struct recent *r, enum map map, struct slice key, enum fact_state state, struct slice value)
{
	if (map == MAP_PASSWORD || state == FACT_LATER || key.len > RECENT_KEY_MOST || value.len > RECENT_VALUE_MOST)
		return;
	struct recent_fact *f = &r->slots[slot_of(r, map, key)];
	f->until = clock_ms() + RECENT_LIFE;
	f->map = map;
	f->state = state;
	f->key_len = (uint16_t)key.len;
	f->value_len = (uint16_t)value.len;
	memcpy(f->key, key.data, key.len);
	if (value.len > 0)
		memcpy(f->value, value.data, value.len);
}

const struct recent_fact *
recent_find(const struct recent *r, enum map map, struct slice key)
{
	const struct recent_fact *f = &r->slots[slot_of(r, map, key)];
	bool same = f->map == map && slice_equal(slice_make(f->key, f->key_len), key);
	return same && f->until > clock_ms() ? f : NULL;
}
