#include "imapd/partial.h"

#define NEED_RANGE "a range is missing (1:100 or -1:-100)"

static bool
parse_end_of_range(struct parser *p, bool *backward, uint32_t *number)
{
	uint64_t n;
	*backward = parse_maybe(p, '-');
	if (!cursor_take_nz_number(&p->c, UINT32_MAX, &n))
		return parse_fail(p, NEED_RANGE);
	*number = (uint32_t)n;
	return true;
}

bool
parse_partial_range(struct parser *p, struct partial *partial)
{
	bool backward;
	uint32_t first = 0, last = 0;
	if (!parse_end_of_range(p, &partial->backward, &first) || !parse_byte(p, ':') || !parse_end_of_range(p, &backward, &last))
		return parse_fail(p, NEED_RANGE);
	partial->first = first < last ? first : last;
	partial->last = first < last ? last : first;
	return backward == partial->backward || parse_fail(p, NEED_RANGE);
}

void
partial_of_count(const struct partial *partial, size_t count, size_t *from, size_t *to)
{
	size_t first = partial->first - 1 < count ? partial->first - 1 : count;
	size_t last = partial->last < count ? partial->last : count;
	*from = partial->backward ? count - last : first;
	*to = partial->backward ? count - first : last;
}
