#include "queue/workers.h"

struct crew_worker *
workers_free(const struct crew *all)
{
	struct crew_worker *least = NULL;
	for (size_t i = 0; i < all->count; i++)
		if (least == NULL || all->workers[i]->count < least->count)
			least = all->workers[i];
	if (least == NULL || least->count == 0)
		return least;
	return all->count >= all->most && least->count < CREW_JOBS ? least : NULL;
}

struct crew_worker *
workers_for(const struct crew *all, const struct group *g, struct crew_worker *other)
{
	for (size_t i = 0; i < all->count; i++) {
		struct crew_worker *w = all->workers[i];
		for (size_t at = 0; at < w->count && w->count < CREW_JOBS; at++)
			if (((const struct group *)w->jobs[at])->destination == g->destination)
				return w;
	}
	return other;
}
