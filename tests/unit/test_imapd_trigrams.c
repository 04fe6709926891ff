/* Sketches of texts (imapd/trigrams.h): what is in a text is never excluded, however it comes; most of what is not, is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imapd/trigrams.h"

static struct trigrams whole, pieces;
static const char text[] = "In the Beginning was the mail: 42 letters, gr\xc3\x9c\xc3\x9f, \xe4\xbd\xa0\xe5\xa5\xbd, and a {brace} @home.";

static void
begin(struct trigrams *t)
{
	trigrams_clear(t);
	trigrams_begin(t);
}

static bool
excluded(struct slice sketch, const char *needle, size_t len)
{
	struct trigram_probe p;
	trigrams_of_needle(&p, slice_make(needle, len));
	return trigrams_exclude(&p, sketch);
}

static void
test_pieces_are_the_whole(void **state)
{
	(void)state;
	struct slice all = slice_of(text);
	begin(&whole);
	trigrams_add(&whole, all);
	for (size_t first = 0; first <= all.len; first++)
		for (size_t second = first; second <= all.len; second++) {
			begin(&pieces);
			trigrams_add(&pieces, slice_first(all, first));
			trigrams_add(&pieces, slice_make(text + first, second - first));
			trigrams_add(&pieces, slice_from(all, second));
			assert_memory_equal(whole.bits, pieces.bits, sizeof whole.bits);
		}
	begin(&pieces);
	for (size_t i = 0; i < all.len; i++)
		trigrams_add(&pieces, slice_make(text + i, 1));
	assert_memory_equal(whole.bits, pieces.bits, sizeof whole.bits);
}

static void
test_what_is_in_it_is_not_excluded(void **state)
{
	(void)state;
	begin(&whole);
	trigrams_add(&whole, slice_of(text));
	struct slice sketch = trigrams_sketch(&whole);
	assert_true(sketch.len >= 64 && sketch.len < 200);
	for (size_t from = 0; from < sizeof text - 1; from++)
		for (size_t to = from; to < sizeof text; to++)
			assert_false(excluded(sketch, text + from, to - from));
	assert_false(excluded(sketch, "IN THE BEGINNING", 16));
	assert_false(excluded(sketch, "begInnIng", 9));
}

static void
test_what_is_not_in_it_is_mostly_excluded(void **state)
{
	(void)state;
	char word[16];
	int count = 0;
	begin(&whole);
	trigrams_add(&whole, slice_of(text));
	struct slice sketch = trigrams_sketch(&whole);
	for (int i = 0; i < 1000; i++)
		count += excluded(sketch, word, (size_t)snprintf(word, sizeof word, "%d", 100000 + i * 811));
	assert_in_range(count, 900, 1000);
}

static void
test_texts_do_not_meet(void **state)
{
	(void)state;
	begin(&whole);
	trigrams_add(&whole, slice_of("ab"));
	trigrams_begin(&whole);
	trigrams_add(&whole, slice_of("cd"));
	struct slice sketch = trigrams_sketch(&whole);
	assert_true(excluded(sketch, "abc", 3) && excluded(sketch, "bcd", 3));
	assert_false(excluded(sketch, "ab", 2));
}

/* Of all sizes from the least to the largest: what was added is in it; where nearly all bits are set it says nothing. */
static void
test_sizes(void **state)
{
	(void)state;
	size_t last = 0;
	for (uint32_t count = 10; count < 600000; count *= 2) {
		begin(&whole);
		uint32_t number = 1;
		for (uint32_t i = 0; i < count; i++) {
			number = number * 1664525 + 1013904223;
			trigrams_begin(&whole);
			trigrams_add(&whole, slice_make((const char *)&number + 1, 3));
		}
		struct slice sketch = trigrams_sketch(&whole);
		assert_true(sketch.len >= last || sketch.len == 0);
		assert_true(sketch.len == 0 || (sketch.len & (sketch.len - 1)) == 0);
		assert_false(excluded(sketch, (const char *)&number + 1, 3));
		last = sketch.len;
	}
	assert_int_equal(last, 0);
}

/* A file may claim anything. */
static void
test_no_sketch(void **state)
{
	(void)state;
	static const char zeroes[128];
	assert_false(excluded(slice_make(NULL, 0), "needle", 6));
	assert_false(excluded(slice_make(zeroes, 4), "needle", 6));
	assert_false(excluded(slice_make(zeroes, 72), "needle", 6));
	assert_true(excluded(slice_make(zeroes, 64), "needle", 6));
	assert_false(excluded(slice_make(zeroes, 64), "", 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_are_the_whole),
		cmocka_unit_test(test_what_is_in_it_is_not_excluded),
		cmocka_unit_test(test_what_is_not_in_it_is_mostly_excluded),
		cmocka_unit_test(test_texts_do_not_meet),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_no_sketch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
