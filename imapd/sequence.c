#include "imapd/sequence.h"

#include <stdlib.h>

static bool
parse_sequence_number(struct parser *p, uint32_t *number)
{
	uint64_t value;
	if (parse_maybe(p, '*')) {
		*number = SEQUENCE_STAR;
		return true;
	}
	if (!cursor_take_nz_number(&p->c, UINT32_MAX, &value))
		return parse_fail(p, "a message number is missing, out of bounds or begins with 0");
	*number = (uint32_t)value;
	return true;
}

static bool
parse_range(struct parser *p, struct sequence_range *range)
{
	if (!parse_sequence_number(p, &range->first))
		return false;
	range->last = range->first;
	return !parse_maybe(p, ':') || parse_sequence_number(p, &range->last);
}

/* How many ranges come: the commas ahead and one. */
static size_t
count_ranges(struct parser *p)
{
	size_t count = 1;
	struct slice rest = p->c.rest;
	for (size_t i = 0; i < rest.len && (ascii_is_digit(rest.data[i]) || slice_has(slice_of(":*,"), rest.data[i])); i++)
		count += rest.data[i] == ',';
	return count;
}

bool
parse_sequence_set(struct parser *p, struct sequence_set *set)
{
	*set = (struct sequence_set){.saved = parse_maybe(p, '$')};
	if (set->saved)
		return true;
	size_t count = count_ranges(p);
	set->ranges = scratch_take_array(p->scratch, count, sizeof *set->ranges);
	if (set->ranges == NULL)
		return parse_fail(p, "the command needs too much memory");
	do {
		if (set->count == count || !parse_range(p, &set->ranges[set->count++]))
			return parse_fail(p, "a sequence set is broken");
	} while (parse_maybe(p, ','));
	return true;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = ((const struct sequence_range *)a)->first;
	uint32_t y = ((const struct sequence_range *)b)->first;
	return (x > y) - (x < y);
}

static void
put_in_order(struct sequence_range *r, uint32_t largest)
{
	uint32_t first = r->first == SEQUENCE_STAR ? largest : r->first;
	uint32_t last = r->last == SEQUENCE_STAR ? largest : r->last;
	r->first = first < last ? first : last;
	r->last = first < last ? last : first;
}

void
sequence_resolve(struct sequence_set *set, uint32_t largest)
{
	if (set->count == 0)
		return;
	for (size_t i = 0; i < set->count; i++)
		put_in_order(&set->ranges[i], largest);
	qsort(set->ranges, set->count, sizeof *set->ranges, compare);
	size_t kept = 0;
	for (size_t i = 1; i < set->count; i++) {
		struct sequence_range *last = &set->ranges[kept];
		struct sequence_range next = set->ranges[i];
		if (next.first > last->last && next.first - last->last > 1)
			set->ranges[++kept] = next;
		else if (next.last > last->last)
			last->last = next.last;
	}
	set->count = kept + 1;
}

bool
sequence_has(const struct sequence_set *set, uint32_t number)
{
	size_t low = 0, high = set->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (number < set->ranges[middle].first)
			high = middle;
		else if (number > set->ranges[middle].last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

uint32_t
sequence_largest(const struct sequence_set *set)
{
	return set->count == 0 ? 0 : set->ranges[set->count - 1].last;
}
