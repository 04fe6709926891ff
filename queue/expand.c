#include "queue/expand.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/random.h"

/* What an administrator has had looked up anew begins anew: it came of what it was before by no alias. */
static uint32_t
parent_of(const struct queue_file *f, uint32_t index)
{
	struct slice yes;
	const struct file_recipient *r = &f->recipients[index];
	return queue_file_recipient_key(r, "anew", &yes) ? NO_PARENT : r->parent;
}

static bool
is_ancestor_or_self(const struct queue_file *f, uint32_t index, struct slice address)
{
	for (; index != NO_PARENT; index = parent_of(f, index))
		if (slice_equal(f->recipients[index].address, address))
			return true;
	return false;
}

static size_t
depth_of(const struct queue_file *f, uint32_t index)
{
	size_t depth = 0;
	while ((index = parent_of(f, index)) != NO_PARENT)
		depth++;
	return depth;
}

/* An address that can stand in the file and in packets; more is asked of it by the lookup of its own. */
static bool
is_usable(struct slice address)
{
	return address.len > 0 && address.len <= 1024 && !ascii_has_control(address);
}

struct outcome
expand_targets(const struct queue_file *f, uint32_t parent, const struct slice *addresses, size_t count,
    struct file_target *targets)
{
	if (depth_of(f, parent) >= EXPAND_DEPTH_MOST)
		return outcome_make("5.4.6", "aliases lie more than %d deep", EXPAND_DEPTH_MOST);
	if (f->count + count > FILE_RECIPIENTS_MOST)
		return outcome_make("5.5.3", "aliases give more than %d recipients", FILE_RECIPIENTS_MOST);
	for (size_t i = 0; i < count; i++) {
		if (!is_usable(addresses[i]))
			return outcome_make("4.3.5", "the alias has a target that is no address");
		targets[i].address = addresses[i];
		targets[i].final = is_ancestor_or_self(f, parent, addresses[i]);
	}
	return outcome_done();
}

static size_t
slot_of(const struct address_set *s, const struct file_recipient *r)
{
	uint64_t hash = s->seed;
	for (size_t i = 0; i < r->address.len; i++) {
		hash = (hash ^ (unsigned char)r->address.data[i]) * 0x100000001b3u;
		hash ^= hash >> 29;
	}
	return (size_t)((hash ^ r->final) * 0x9e3779b97f4a7c15u >> 20) & (s->size - 1);
}

static bool
is_same(const struct file_recipient *a, const struct file_recipient *b)
{
	return a->final == b->final && slice_equal(a->address, b->address);
}

/* The slot of an equal recipient, or a free one. */
static uint32_t *
find(const struct address_set *s, const struct queue_file *f, uint32_t index)
{
	size_t at = slot_of(s, &f->recipients[index]);
	while (s->slots[at] != 0 && !is_same(&f->recipients[s->slots[at] - 1], &f->recipients[index]))
		at = (at + 1) & (s->size - 1);
	return &s->slots[at];
}

static bool
grow(struct address_set *s, const struct queue_file *f)
{
	if (s->count * 2 < s->size)
		return true;
	struct address_set bigger = {.size = s->size == 0 ? 16 : s->size * 2, .count = s->count, .seed = s->seed};
	if (s->size == 0)
		bigger.seed = random_number();
	bigger.slots = calloc(bigger.size, sizeof *bigger.slots);
	if (bigger.slots == NULL)
		return false;
	for (size_t i = 0; i < s->size; i++)
		if (s->slots[i] != 0)
			*find(&bigger, f, s->slots[i] - 1) = s->slots[i];
	free(s->slots);
	*s = bigger;
	return true;
}

enum set_result
address_set_add(struct address_set *s, const struct queue_file *f, uint32_t index, uint32_t *there)
{
	if (!grow(s, f))
		return SET_NO_MEMORY;
	uint32_t *slot = find(s, f, index);
	bool added = *slot == 0;
	if (added) {
		*slot = index + 1;
		s->count++;
	}
	*there = *slot - 1;
	return added ? SET_ADDED : SET_THERE;
}

bool
address_set_find(const struct address_set *s, const struct queue_file *f, uint32_t index, uint32_t *there)
{
	const uint32_t *slot = s->size > 0 ? find(s, f, index) : NULL;
	if (slot == NULL || *slot == 0)
		return false;
	*there = *slot - 1;
	return true;
}

void
address_set_free(struct address_set *s)
{
	free(s->slots);
	memset(s, 0, sizeof *s);
}
