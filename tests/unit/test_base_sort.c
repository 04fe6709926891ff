/* lib/base/sort and lib/base/large: places in order, and memory that stays what it was when it grows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/large.h"
#include "lib/base/sort.h"

enum { MOST = 300 };

static int
compare(const void *context, uint32_t a, uint32_t b)
{
	const unsigned *values = context;
	return (values[a] > values[b]) - (values[a] < values[b]);
}

/* Each count up to MOST: few different values, so that equal ones keep their order. */
static void
test_stable(void **state)
{
	(void)state;
	unsigned values[MOST] = {0}, seed = 1;
	uint32_t places[MOST], room[MOST / 2];
	for (size_t count = 0; count <= MOST; count++) {
		for (size_t i = 0; i < count; i++) {
			seed = seed * 1103515245u + 12345u;
			values[i] = seed >> 16 & 7;
			places[i] = (uint32_t)i;
		}
		sort_places(places, count, room, compare, values);
		for (size_t i = 1; i < count; i++) {
			assert_true(values[places[i - 1]] <= values[places[i]]);
			assert_true(values[places[i - 1]] < values[places[i]] || places[i - 1] < places[i]);
		}
	}
}

static void
test_backwards(void **state)
{
	(void)state;
	unsigned values[MOST];
	uint32_t places[MOST], room[MOST / 2];
	for (uint32_t i = 0; i < MOST; i++) {
		values[i] = MOST - i;
		places[i] = i;
	}
	sort_places(places, MOST, room, compare, values);
	for (uint32_t i = 0; i < MOST; i++)
		assert_int_equal(places[i], MOST - 1 - i);
}

/* From malloc(3)'s to large, within a large page, beyond it, and back. */
static void
test_large_grows(void **state)
{
	(void)state;
	const size_t sizes[] = {1000, LARGE_LEAST - 1, LARGE_LEAST, LARGE_PAGE, LARGE_PAGE + 1, 3 * LARGE_PAGE, 2000};
	char *piece = NULL;
	size_t before = 0, filled = 0;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		piece = large_resize(piece, before, sizes[i]);
		assert_non_null(piece);
		for (size_t at = 0; at < filled && at < sizes[i]; at += 499)
			assert_int_equal(piece[at], (char)(at % 127));
		for (size_t at = 0; at < sizes[i]; at += 499)
			piece[at] = (char)(at % 127);
		before = filled = sizes[i];
	}
	large_give(piece, before);
}

static void
test_large_rests(void **state)
{
	(void)state;
	const size_t size = LARGE_PAGE + 10;
	char *piece = large_take(size);
	assert_non_null(piece);
	memset(piece, 'x', size);
	large_rest(piece, size, 5000);
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(piece[i], 'x');
	memset(piece, 'y', size);
	assert_int_equal(piece[size - 1], 'y');
	large_give(piece, size);
	large_give(NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stable),
	    cmocka_unit_test(test_backwards),
	    cmocka_unit_test(test_large_grows),
	    cmocka_unit_test(test_large_rests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
