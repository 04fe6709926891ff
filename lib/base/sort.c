#include "lib/base/sort.h"

#include <string.h>

struct sorting {
	uint32_t     *room;
	sort_compare *compare;
	const void   *context;
};

/* Two sorted runs, the first of which is copied to the room. */
static void
merge(const struct sorting *s, uint32_t *places, size_t middle, size_t count)
{
	size_t left = 0, right = middle, to = 0;
	memcpy(s->room, places, middle * sizeof *places);
	while (left < middle && right < count)
		places[to++] = s->compare(s->context, s->room[left], places[right]) > 0 ? places[right++] : s->room[left++];
	memcpy(places + to, s->room + left, (middle - left) * sizeof *places);
}

/* The second run stands before the first. */
static void
swap(const struct sorting *s, uint32_t *places, size_t middle, size_t count)
{
	memcpy(s->room, places, middle * sizeof *places);
	memmove(places, places + middle, (count - middle) * sizeof *places);
	memcpy(places + count - middle, s->room, middle * sizeof *places);
}

/* As deep as the logarithm of the count. Runs that are in order already cost one comparison, those in the opposite order two. */
static void
sort(const struct sorting *s, uint32_t *places, size_t count)
{
	size_t middle = count / 2;
	if (count < 2)
		return;
	sort(s, places, middle);
	sort(s, places + middle, count - middle);
	if (s->compare(s->context, places[middle - 1], places[middle]) <= 0)
		return;
	if (s->compare(s->context, places[0], places[count - 1]) > 0)
		swap(s, places, middle, count);
	else
		merge(s, places, middle, count);
}

void
sort_places(uint32_t *places, size_t count, uint32_t *room, sort_compare *compare, const void *context)
{
	const struct sorting s = {room, compare, context};
	sort(&s, places, count);
}
