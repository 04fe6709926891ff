#include "queue/destination_table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/siphash.h"
#include "queue/waiting.h"

#define SLOTS 4096

static struct {
	struct destination *slots[SLOTS];
	struct destination *idle; /* a ring: the one that has been idle longest */
	size_t              idle_count;
	struct siphash_key  key;
	bool                begun;
} table;

/* --- rings ---------------------------------------------------------------------- */

void
destination_ring_add(struct destination **ring, struct destination *d)
{
	struct destination *at = *ring;
	if (at == NULL) {
		*ring = d->next = d->previous = d;
		return;
	}
	d->next = at;
	d->previous = at->previous;
	at->previous->next = d;
	at->previous = d;
}

void
destination_ring_remove(struct destination **ring, struct destination *d)
{
	if (*ring == d)
		*ring = d->next == d ? NULL : d->next;
	d->next->previous = d->previous;
	d->previous->next = d->next;
	d->next = d->previous = NULL;
}

/* --- the table -------------------------------------------------------------------- */

static uint32_t
tag_of(const struct traffic *t, struct slice name)
{
	if (!table.begun)
		table.key = siphash_key_new();
	table.begun = true;
	uint32_t tag = (uint32_t)(siphash(&table.key, name) ^ (uintptr_t)t) & TAG_MASK;
	return tag != 0 ? tag : 1;
}

static struct destination *
make(struct traffic *t, struct slice name, uint32_t tag)
{
	struct destination *d = calloc(1, sizeof *d + name.len);
	if (d == NULL)
		return NULL;
	d->traffic = t;
	d->tag = tag;
	d->name_len = name.len;
	memcpy(d->name, name.data, name.len);
	window_begin(&d->window, &t->rules);
	d->in_slot = table.slots[tag % SLOTS];
	table.slots[tag % SLOTS] = d;
	destination_ring_add(&table.idle, d);
	table.idle_count++;
	return d;
}

static void
forget(struct destination *d)
{
	struct destination **at = &table.slots[d->tag % SLOTS];
	while (*at != d)
		at = &(*at)->in_slot;
	*at = d->in_slot;
	free(d->reason);
	free(d);
}

bool
destination_is_idle(const struct destination *d)
{
	return d->busy == 0 && d->waiting == 0;
}

void
destination_wake(struct destination *d)
{
	destination_ring_remove(&table.idle, d);
	table.idle_count--;
}

/* It has become idle. */
void
destination_rest(struct destination *d)
{
	if (window_is_new(&d->window, &d->traffic->rules) && d->parked == 0) {
		forget(d);
		return;
	}
	destination_ring_add(&table.idle, d);
	if (++table.idle_count <= DESTINATIONS_MOST)
		return;
	struct destination *oldest = table.idle;
	destination_wake(oldest);
	forget(oldest);
}

struct destination *
destination_of(struct traffic *t, struct slice name)
{
	uint32_t tag = tag_of(t, name);
	for (struct destination *d = table.slots[tag % SLOTS]; d != NULL; d = d->in_slot)
		if (d->tag == tag && d->traffic == t && slice_equal(slice_make(d->name, d->name_len), name))
			return d;
	return make(t, name, tag);
}

struct destination *
destination_tagged(uint32_t tag)
{
	struct destination *d = table.slots[tag % SLOTS];
	while (d != NULL && d->tag != tag)
		d = d->in_slot;
	return d;
}

void
destination_leave(struct destination *d)
{
	if (!destination_is_idle(d))
		return;
	destination_wake(d);
	destination_rest(d);
}

void
destinations_revive(void)
{
	for (size_t i = 0; i < SLOTS; i++)
		for (struct destination *d = table.slots[i]; d != NULL; d = d->in_slot)
			if (d->window.dead)
				d->window.dead_until = 0;
}
