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

size_t
waiting_hurry(struct waiting *w, uint64_t id, uint64_t now)
{
	size_t hurried = 0;
	for (size_t i = 0; i < w->count; i++) {
		struct waiting_entry *e = &w->heap[i];
		if (id != 0 && e->id != id)
			continue;
		hurried++;
		if (e->due > now)
			e->due = now;
	}
	for (size_t i = w->count / 2; i-- > 0;)
		move_down(w, i);
	return hurried;
}
