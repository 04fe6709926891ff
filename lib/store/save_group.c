/* Messages of which all come or none (save.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/store/index.h"
#include "lib/store/save.h"
#include "lib/store/settle.h"

void
save_group_begin(struct save_group *g, const struct folder *f)
{
	*g = (struct save_group){.tmp = f->tmp, .cur = f->cur};
}

/* The bytes of what is open come to the disk, and it is closed. */
static bool
settle(struct save_group *g)
{
	int errors[SAVE_GROUP_OPEN];
	settle_bytes(g->open, errors, g->opened);
	for (size_t i = 0; i < g->opened; i++) {
		close(g->open[i]);
		if (errors[i] != 0 && g->trouble == 0)
			g->trouble = errors[i];
	}
	g->opened = 0;
	errno = g->trouble;
	return g->trouble == 0;
}

bool
save_group_add(struct save_group *g, struct save *s, struct save_parked *p)
{
	if (!save_hand_over(s)) {
		int trouble = s->trouble;
		save_abort(s);
		errno = trouble;
		return false;
	}
	*p = (struct save_parked){.size = s->size, .wire_size = s->wire_size, .flags = s->flags, .keywords = s->keywords};
	memcpy(p->name, s->name, sizeof p->name);
	name_add_sizes(s->name, s->size, s->wire_size);
	save_tell_index(s);
	if (g->last != NULL)
		g->last->next = p;
	else
		g->first = p;
	g->last = p;
	g->count++;
	g->size += p->size;
	g->open[g->opened++] = s->fd;
	s->fd = -1;
	return g->opened < SAVE_GROUP_OPEN || settle(g);
}

static bool
final_name(const struct save_parked *p, char base[NAME_MOST + 1], char into[NAME_MOST + 1])
{
	memcpy(base, p->name, sizeof p->name);
	name_add_sizes(base, p->size, p->wire_size);
	errno = ENAMETOOLONG;
	return name_build(into, slice_of(base), slice_make(NULL, 0), p->flags, p->keywords);
}

static bool
move(struct save_group *g, struct save_parked *p)
{
	char base[NAME_MOST + 1], to[NAME_MOST + 1];
	p->moved = final_name(p, base, to) && renameat(g->tmp, p->name, g->cur, to) == 0;
	return p->moved;
}

static void
remove_one(struct save_group *g, const struct save_parked *p)
{
	char base[NAME_MOST + 1], to[NAME_MOST + 1];
	if (!p->moved)
		unlinkat(g->tmp, p->name, 0);
	else if (final_name(p, base, to))
		unlinkat(g->cur, to, 0);
}

void
save_group_abort(struct save_group *g)
{
	int saved = errno;
	for (size_t i = 0; i < g->opened; i++)
		close(g->open[i]);
	for (struct save_parked *p = g->first; p != NULL; p = p->next)
		remove_one(g, p);
	*g = (struct save_group){.tmp = g->tmp, .cur = g->cur};
	errno = saved;
}

bool
save_group_finish(struct save_group *g)
{
	bool ok = settle(g);
	for (struct save_parked *p = g->first; ok && p != NULL; p = p->next)
		ok = move(g, p);
	ok = ok && fsync(g->cur) == 0;
	if (!ok) {
		save_group_abort(g);
		return false;
	}
	for (struct save_parked *p = g->first; p != NULL; p = p->next)
		name_add_sizes(p->name, p->size, p->wire_size);
	return true;
}
