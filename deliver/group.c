#include "deliver/group.h"

#include "lib/base/log.h"

bool
group_has_room(const struct group *g)
{
	return g->count < GROUP_MOST && g->bytes < GROUP_BYTES;
}

void
group_add(struct group *g, struct deliverer *d, const struct delivery *what)
{
	struct under_way *u = &g->members[g->count];
	if (g->count == 0)
		g->bytes = 0;
	log_session("queue", what->id);
	delivery_begin(d, what, u, g->members, g->count);
	log_session("queue", NULL);
	g->bytes += u->written ? u->save.size : 0;
	g->count++;
}

void
group_end(struct group *g, struct deliverer *d)
{
	struct save *written[GROUP_MOST];
	size_t count = 0;
	for (size_t i = 0; i < g->count; i++)
		if (g->members[i].written)
			written[count++] = &g->members[i].save;
	save_finish_all(written, count);
	for (size_t i = 0; i < g->count; i++)
		delivery_end(d, &g->members[i]);
}
