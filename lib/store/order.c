/*
 * The messages of a view in order. Comparing names where they lie costs a look at two far pieces of memory each time,
 * and moving messages about copies 64 bytes: what decides is gathered first, sorted, and each message then moved once.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/store/assign.h"

#define NO_UID ((uint64_t)1 << 32) /* behind all that have one */

struct key {
	uint64_t first; /* the UID; without one NO_UID and the second of its arrival, which its name begins with */
	uint64_t then;  /* without one: the next bytes of the name, the microseconds in most */
	uint32_t at;    /* of the message, behind those that stay */
};

static struct key
key_of(const struct message *m, uint32_t at)
{
	struct key k = {.first = m->uid, .at = at};
	unsigned char next[sizeof k.then] = {0};
	uint64_t seconds = 0;
	if (m->uid != 0)
		return k;
	struct cursor c = cursor_over(slice_make(m->name, m->base_len));
	cursor_take_number(&c, INT64_MAX, &seconds);
	k.first = NO_UID + seconds;
	memcpy(next, c.rest.data, c.rest.len < sizeof next ? c.rest.len : sizeof next);
	for (size_t i = 0; i < sizeof next; i++)
		k.then = k.then << 8 | next[i];
	return k;
}

static bool
is_behind(const struct message *messages, const struct key *a, const struct key *b)
{
	if (a->first != b->first)
		return a->first > b->first;
	if (a->then != b->then || a->first < NO_UID)
		return a->then > b->then;
	return strcmp(messages[a->at].name, messages[b->at].name) > 0;
}

/* Merges two sorted runs, the first of which is copied to `room`. */
static void
merge(const struct message *messages, struct key *keys, size_t middle, size_t count, struct key *room)
{
	size_t left = 0, right = middle, to = 0;
	memcpy(room, keys, middle * sizeof *keys);
	while (left < middle && right < count)
		keys[to++] = is_behind(messages, &room[left], &keys[right]) ? keys[right++] : room[left++];
	memcpy(keys + to, room + left, (middle - left) * sizeof *keys);
}

/* As deep as the logarithm of the count. Runs that are in order already cost one comparison. */
static void
sort(const struct message *messages, struct key *keys, size_t count, struct key *room)
{
	size_t middle = count / 2;
	if (count < 2)
		return;
	sort(messages, keys, middle, room);
	sort(messages, keys + middle, count - middle, room);
	if (is_behind(messages, &keys[middle - 1], &keys[middle]))
		merge(messages, keys, middle, count, room);
}

/* Each message to its place: one after the other along the circles in which they stand in each other's. */
static void
move(struct message *messages, struct key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct message held = messages[i];
		size_t to = i;
		while (keys[to].at != i) {
			size_t from = keys[to].at;
			messages[to] = messages[from];
			keys[to].at = (uint32_t)to;
			to = from;
		}
		if (to != i)
			messages[to] = held;
		keys[to].at = (uint32_t)to;
	}
}

static bool
is_sorted(const struct message *messages, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const struct key before = key_of(&messages[i - 1], (uint32_t)i - 1), k = key_of(&messages[i], (uint32_t)i);
		if (is_behind(messages, &before, &k))
			return false;
	}
	return true;
}

bool
order_from(struct folder *f, size_t known)
{
	struct message *messages = f->messages + known;
	size_t count = f->count - known;
	/* Mostly there are few of them, and in order. */
	if (count < 2 || is_sorted(messages, count))
		return true;
	struct key *keys = malloc((count + count / 2) * sizeof *keys);
	if (keys == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		keys[i] = key_of(&messages[i], (uint32_t)i);
	sort(messages, keys, count, keys + count);
	move(messages, keys, count);
	free(keys);
	scan_unhash(f);
	return true;
}
