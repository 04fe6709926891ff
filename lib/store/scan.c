/* Memory of a folder's view: names, and a hash from a message's base to its place. */
#include "lib/store/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/large.h"

#define BLOCK_BYTES 65536   /* of names; from LARGE_LEAST on they come by LARGE_PAGE */
#define NAMES_MOST  (4u << 20) /* bytes of names that room is made for before they come */
#define LEAST_SLOTS 64
#define NAME_SLACK  4 /* flags that come later need no new memory */
#define NAME_AROUND 2 /* bytes: how long it may become, and NUL */
#define ROOM_FIRST  64    /* messages */
#define MANY        65536 /* messages from which on room is made for an eighth more, not a half */

struct name_block {
	struct name_block *next;
	size_t             room, used;
	char               bytes[];
};

/*
 * Eight bytes at a time. A hostile set of names costs at most time in the owner's own session. 32 bits, which are kept beside each
 * entry: so most others are told apart, and moved when the hash grows, without a look at their names.
 */
static uint32_t
hash(struct slice base)
{
	const uint64_t factor = 0x9e3779b97f4a7c15u;
	uint64_t h = base.len * factor, word;
	for (; base.len >= sizeof word; base = slice_from(base, sizeof word)) {
		memcpy(&word, base.data, sizeof word);
		h = (h ^ word) * factor;
		h ^= h >> 29;
	}
	word = 0;
	memcpy(&word, base.data, base.len);
	h = (h ^ word) * factor;
	return (uint32_t)(h >> 32);
}

static struct slice
base_of(const struct message *m)
{
	return slice_make(m->name, m->base_len);
}

size_t
scan_find(const struct folder *f, struct slice base)
{
	const struct folder_scan *s = f->scan;
	if (s == NULL || !scan_hash(f))
		return SIZE_MAX;
	uint32_t wanted = hash(base);
	for (size_t at = wanted;; at++) {
		const struct scan_slot *slot = &s->slots[at & (s->slot_count - 1)];
		if (slot->entry == 0)
			return SIZE_MAX;
		if (slot->hash == wanted && slice_equal(base_of(&f->messages[slot->entry - 1]), base))
			return slot->entry - 1;
	}
}

static void
put(struct folder_scan *s, struct scan_slot slot)
{
	size_t at = slot.hash;
	while (s->slots[at & (s->slot_count - 1)].entry != 0)
		at++;
	s->slots[at & (s->slot_count - 1)] = slot;
}

static void
put_message(const struct folder *f, size_t index)
{
	put(f->scan, (struct scan_slot){.hash = hash(base_of(&f->messages[index])), .entry = (uint32_t)index + 1});
}

/* At most half of the slots are taken. What stands in the old ones goes along while it counts. */
static bool
grow_slots(struct folder_scan *s, size_t count)
{
	size_t before = s->slot_count, wanted = before < LEAST_SLOTS ? LEAST_SLOTS : before;
	struct scan_slot *old = s->slots;
	while (wanted / 2 < count)
		wanted *= 2;
	if (wanted == before)
		return true;
	struct scan_slot *slots = calloc(wanted, sizeof *slots);
	if (slots == NULL)
		return false;
	s->slots = slots;
	s->slot_count = wanted;
	for (size_t i = 0; i < before && s->hashed; i++)
		if (old[i].entry != 0)
			put(s, old[i]);
	free(old);
	return true;
}

bool
scan_hash_room(const struct folder *f)
{
	return grow_slots(f->scan, f->count + 1);
}

bool
scan_hash(const struct folder *f)
{
	struct folder_scan *s = f->scan;
	if (s->hashed)
		return true;
	if (!scan_hash_room(f))
		return false;
	memset(s->slots, 0, s->slot_count * sizeof *s->slots);
	for (size_t i = 0; i < f->count; i++)
		put_message(f, i);
	s->hashed = true;
	return true;
}

void
scan_unhash(struct folder *f)
{
	f->scan->hashed = false;
}

static struct name_block *
add_block(struct folder_scan *s, size_t size)
{
	struct name_block *b = large_take(size);
	if (b == NULL)
		return NULL;
	*b = (struct name_block){.next = s->blocks, .room = size - sizeof *b};
	s->blocks = b;
	s->name_bytes += size;
	return b;
}

/* Before a name stands how long it may become. */
static char *
keep_name(struct folder_scan *s, struct slice name, size_t room)
{
	struct name_block *b = s->blocks;
	if (b == NULL || b->used + room + NAME_AROUND > b->room)
		b = add_block(s, s->name_bytes < LARGE_LEAST ? BLOCK_BYTES : LARGE_PAGE);
	if (b == NULL)
		return NULL;
	char *kept = b->bytes + b->used + 1;
	b->used += room + NAME_AROUND;
	kept[-1] = (char)room;
	memcpy(kept, name.data, name.len);
	kept[name.len] = '\0';
	return kept;
}

static bool
set_room(struct folder *f, size_t room)
{
	struct message *messages = large_resize(f->messages, f->room * sizeof *messages, room * sizeof *messages);
	if (messages == NULL)
		return false;
	f->messages = messages;
	f->room = room;
	return true;
}

static bool
grow_messages(struct folder *f)
{
	if (f->count < f->room)
		return true;
	size_t room = f->room == 0 ? ROOM_FIRST : f->room + (f->room < MANY ? f->room / 2 : f->room / 8);
	errno = ENOMEM;
	return room < UINT32_MAX && set_room(f, room);
}

void
scan_expect(struct folder *f, uint64_t messages, uint64_t names)
{
	size_t room = messages < MANY ? (size_t)messages : MANY;
	if (room > f->room && room > ROOM_FIRST)
		set_room(f, room);
	names += messages * (NAME_SLACK + NAME_AROUND);
	size_t size = names < NAMES_MOST ? (size_t)names : NAMES_MOST;
	if (f->scan->blocks == NULL && size >= LARGE_LEAST)
		add_block(f->scan, size);
}

static size_t
name_room(size_t len)
{
	return len + NAME_SLACK < NAME_MOST ? len + NAME_SLACK : NAME_MOST;
}

struct message *
scan_append(struct folder *f, struct slice name, const struct name_parts *parts)
{
	if (!grow_messages(f))
		return NULL;
	size_t room = name_room(name.len + (name.len > parts->base.len ? 0 : 3));
	char *kept = keep_name(f->scan, name, room);
	if (kept == NULL)
		return NULL;
	struct message *m = &f->messages[f->count];
	*m = (struct message){.name = kept, .base_len = (uint8_t)parts->base.len,
	    .flags = parts->flags, .keywords = parts->keywords,
	    .wire_size = parts->has_wire_size ? parts->wire_size : SIZE_UNKNOWN,
	    .sent_after = SENT_UNKNOWN};
	f->count++;
	f->scan->hashed = false;
	return m;
}

struct message *
scan_add(struct folder *f, struct slice name, const struct name_parts *parts)
{
	struct folder_scan *s = f->scan;
	if (!scan_hash(f) || !scan_hash_room(f))
		return NULL;
	struct message *m = scan_append(f, name, parts);
	if (m == NULL)
		return NULL;
	put_message(f, f->count - 1);
	s->hashed = true;
	return m;
}

bool
scan_prepare(struct folder *f)
{
	if (f->scan == NULL)
		f->scan = calloc(1, sizeof *f->scan);
	return f->scan != NULL;
}

static void
free_names(struct folder_scan *s)
{
	while (s->blocks != NULL) {
		struct name_block *next = s->blocks->next;
		large_give(s->blocks, sizeof *next + s->blocks->room);
		s->blocks = next;
	}
	s->name_bytes = 0;
}

void
scan_forget(struct folder *f)
{
	f->count = f->vanished = 0;
	f->scan->highest = 0;
	f->scan->hashed = false;
	free_names(f->scan);
}

void
scan_rest(struct folder *f)
{
	struct name_block *b = f->scan->blocks;
	large_rest(f->messages, f->room * sizeof *f->messages, f->count * sizeof *f->messages);
	if (b != NULL)
		large_rest(b, sizeof *b + b->room, sizeof *b + b->used);
}

bool
scan_rename(struct folder *f, struct message *m, struct slice name)
{
	if (name.len > (unsigned char)m->name[-1]) {
		size_t room = name_room(name.len + NAME_SLACK);
		char *kept = keep_name(f->scan, name, room);
		if (kept == NULL)
			return false;
		m->name = kept;
		return true;
	}
	memcpy(m->name, name.data, name.len);
	m->name[name.len] = '\0';
	return true;
}

void
scan_free(struct folder *f)
{
	struct folder_scan *s = f->scan;
	if (s == NULL)
		return;
	free_names(s);
	free(s->slots);
	free(s);
	f->scan = NULL;
}
