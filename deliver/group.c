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
	if (g->count == 0)
		g->bytes = 0;
	log_session("queue", what->id);
	size_t begun = delivery_begin(d, what, g->members, g->count);
	log_session("queue", NULL);
	for (; begun > 0; begun--, g->count++)
		g->bytes += g->members[g->count].written ? g->members[g->count].save.size : 0;
}

/* A copy that failed is a delivery that failed: it is tried again, with a second copy where the first was well. */
static void
join_outcomes(struct group *g)
{
	struct under_way *lead = g->members;
	for (size_t i = 0; i < g->count; i++) {
		struct under_way *u = &g->members[i];
		if (!u->extra)
			lead = u;
		else if (outcome_is_done(&lead->outcome) && !outcome_is_done(&u->outcome))
			lead->outcome = u->outcome;
	}
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
	/* Further copies first: they have their texts of the one before them. */
	for (size_t i = g->count; i-- > 0;)
		delivery_end(d, &g->members[i]);
	join_outcomes(g);
}
