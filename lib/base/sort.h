/*
 * Sorting of places in an array that stays as it is. Stable, in n log n steps
 * whatever comes, and in few where most of it is in order, or in the opposite one, as mail is by date.
 * (qsort(3) passes nothing along, and the C library's of static programs takes three times as long.)
 */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Less than, equal to, or more than 0, as `a` stands before `b`, is as good, or stands behind it. */
typedef int sort_compare(const void *context, uint32_t a, uint32_t b);

/* `room` is for count / 2 places. */
void sort_places(uint32_t *places, size_t count, uint32_t *room, sort_compare *compare, const void *context);

#endif
