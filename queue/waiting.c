#include "queue/waiting.h"

#include <stdlib.h>

uint32_t
waiting_time(uint64_t seconds)
{
	return seconds <= DUE_HELD ? (uint32_t)seconds : DUE_HELD - 1;
}

static bool
before(const struct waiting_entry *a, const struct waiting_entry *b)
{
	return a->due < b->due || (a->due == b->due && a->id < b->id);
}

static void
swap(struct waiting_entry *a, struct waiting_entry *b)
{
	struct waiting_entry t = *a;
	*a = *b;
	*b = t;
}

static void
move_up(struct waiting *w, size_t at)
{
	while (at > 0 && before(&w->heap[at], &w->heap[(at - 1) / 2])) {
		swap(&w->heap[at], &w->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
}

static void
move_down(struct waiting *w, size_t at)
{
	for (;;) {
		size_t least = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < w->count; child++)
			if (before(&w->heap[child], &w->heap[least]))
				least = child;
		if (least == at)
			return;
		swap(&w->heap[at], &w->heap[least]);
		at = least;
	}
}

static bool
make_room(struct waiting *w)
{
	if (w->count < w->room)
		return true;
	size_t room = w->room == 0 ? 256 : w->room * 2;
	struct waiting_entry *heap = reallocarray(w->heap, room, sizeof *heap);
	if (heap == NULL)
		return false;
	w->heap = heap;
	w->room = room;
	return true;
}

bool
waiting_add(struct waiting *w, struct waiting_entry e)
{
	if (!make_room(w))
		return false;
	w->heap[w->count] = e;
	move_up(w, w->count++);
	return true;
}

bool
waiting_take(struct waiting *w, uint64_t now, struct waiting_entry *e)
{
	if (w->count == 0 || w->heap[0].due > now || w->heap[0].due == DUE_HELD)
		return false;
	*e = w->heap[0];
	w->heap[0] = w->heap[--w->count];
	move_down(w, 0);
	return true;
}

static void
put_in_order(struct waiting *w)
{
	for (size_t i = w->count / 2; i-- > 0;)
		move_down(w, i);
}

/* Without those that a change has dropped. */
static void
drop_gone(struct waiting *w)
{
	size_t kept = 0;
	for (size_t i = 0; i < w->count; i++)
		if (w->heap[i].id != 0)
			w->heap[kept++] = w->heap[i];
	w->count = kept;
}

static bool
hurry(void *context, struct waiting_entry *e)
{
	const uint64_t *now = context;
	if (e->due == DUE_HELD)
		return false;
	if (e->due > *now)
		e->due = waiting_time(*now);
	e->hurried = e->found;
	return true;
}

size_t
waiting_hurry(struct waiting *w, uint64_t now)
{
	size_t hurried = 0;
	for (size_t i = 0; i < w->count; i++)
		hurried += hurry(&now, &w->heap[i]);
	put_in_order(w);
	return hurried;
}

size_t
waiting_limit(struct waiting *w, uint64_t now, uint64_t most)
{
	size_t limited = 0;
	for (size_t i = 0; i < w->count; i++) {
		struct waiting_entry *e = &w->heap[i];
		if (e->due == DUE_HELD || e->due <= now + most)
			continue;
		e->due = waiting_time(now);
		limited++;
	}
	put_in_order(w);
	return limited;
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

size_t
waiting_change_these(struct waiting *w, const uint64_t *ids, size_t count, bool (*change)(void *, struct waiting_entry *), void *context)
{
	size_t changed = 0;
	for (size_t i = 0; i < w->count; i++)
		if (bsearch(&w->heap[i].id, ids, count, sizeof *ids, compare) != NULL && change(context, &w->heap[i]))
			changed++;
	drop_gone(w);
	put_in_order(w);
	return changed;
}

size_t
waiting_hurry_these(struct waiting *w, const uint64_t *ids, size_t count, uint64_t now)
{
	return waiting_change_these(w, ids, count, hurry, &now);
}

size_t
waiting_call(struct waiting *w, uint32_t tag, uint64_t now, size_t most)
{
	size_t called = 0;
	for (size_t i = 0; i < w->count && called < most; i++) {
		struct waiting_entry *e = &w->heap[i];
		if (!e->parked || e->tag != tag || e->due <= now || e->due == DUE_HELD)
			continue;
		e->due = waiting_time(now);
		/* What comes down into its place was above it, so it was looked at. */
		move_up(w, i);
		called++;
	}
	return called;
}
