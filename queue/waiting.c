#include "queue/waiting.h"

#include <stdlib.h>

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

bool
waiting_add(struct waiting *w, uint64_t id, uint64_t due)
{
	if (w->count == w->room) {
		size_t room = w->room == 0 ? 256 : w->room * 2;
		struct waiting_entry *heap = reallocarray(w->heap, room, sizeof *heap);
		if (heap == NULL)
			return false;
		w->heap = heap;
		w->room = room;
	}
	w->heap[w->count] = (struct waiting_entry){id, due};
	move_up(w, w->count++);
	return true;
}

bool
waiting_take(struct waiting *w, uint64_t now, struct waiting_entry *e)
{
	if (w->count == 0 || w->heap[0].due > now)
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

/* Without those that a change has said are gone. */
static void
drop_gone(struct waiting *w)
{
	size_t kept = 0;
	for (size_t i = 0; i < w->count; i++)
		if (w->heap[i].due != DUE_GONE)
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
		e->due = *now;
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
