#include "queue/workers.h"

#include <string.h>

struct worker *
workers_free(const struct workers *all, size_t most)
{
	struct worker *least = NULL;
	for (size_t i = 0; i < all->count; i++)
		if (least == NULL || all->workers[i]->count < least->count)
			least = all->workers[i];
	if (least == NULL || least->count == 0)
		return least;
	return all->count >= most && least->count < WORKER_JOBS ? least : NULL;
}

struct worker *
workers_for(const struct workers *all, const struct group *g, struct worker *other)
{
	for (size_t i = 0; i < all->count; i++) {
		struct worker *w = all->workers[i];
		for (size_t at = 0; at < w->count && w->count < WORKER_JOBS; at++)
			if (w->jobs[at]->destination == g->destination)
				return w;
	}
	return other;
}

struct group *
worker_take_first(struct worker *w)
{
	struct group *g = w->jobs[0];
	w->count--;
	w->tag++;
	memmove(w->jobs, w->jobs + 1, w->count * sizeof *w->jobs);
	w->used = true;
	return g;
}
