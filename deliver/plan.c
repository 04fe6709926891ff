#include "deliver/plan.h"

#include <stdlib.h>

void
plan_keep(struct plan *p)
{
	plan_free(p);
	p->store_count = 1;
}

void
plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->store_count; i++) {
		free(p->stores[i].folder);
		free(p->stores[i].keywords);
	}
	for (size_t i = 0; i < p->redirect_count; i++)
		free(p->redirects[i]);
	free(p->refusal);
	free(p->answer);
	*p = (struct plan){.store_count = 0};
}
