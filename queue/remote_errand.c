#include "queue/remote_errand.h"

#include <string.h>

#include "lib/base/clock.h"

void
errand_end(struct errand *e, size_t recipient, const struct outcome *o)
{
	e->outcomes[recipient] = *o;
	e->recipients[recipient].state = ERRAND_ENDED;
}

void
errand_end_all(struct errand *e, enum errand_state state, const struct outcome *o)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].state == state)
			errand_end(e, i, o);
}

void
errand_end_rest(struct errand *e, const struct outcome *o)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].state != ERRAND_ENDED)
			errand_end(e, i, o);
}

size_t
errand_count(const struct errand *e, enum errand_state state)
{
	size_t count = 0;
	for (size_t i = 0; i < e->count; i++)
		count += e->recipients[i].state == state;
	return count;
}

bool
errand_is_over(const struct errand *e)
{
	return errand_count(e, ERRAND_ENDED) == e->count;
}

void
errand_again(struct errand *e)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].state != ERRAND_ENDED)
			e->recipients[i].state = ERRAND_DUE;
}

int
errand_patience(const struct errand *e, int most)
{
	int64_t left = e->deadline == 0 ? most : e->deadline - clock_ms();
	if (left < 0)
		return 0;
	return left < most ? (int)left : most;
}

struct slice
errand_next_hop(const struct errand *e)
{
	static const char *const prefixes[] = {"smtp:", "smtps:", "relay:", "lmtp:"};
	struct slice hop = slice_trim(e->transport);
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (slice_starts_nocase(hop, prefixes[i])) {
			hop = slice_from(hop, strlen(prefixes[i]));
			break;
		}
	if (hop.len > 0)
		return hop;
	struct slice first = e->recipients[0].address;
	return slice_from(first, slice_find_last(first, '@') + 1);
}
