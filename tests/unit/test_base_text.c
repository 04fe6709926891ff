/* lib/base: slices, cursors, strings, numbers, encodings, outcomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/base/encode.h"
#include "lib/base/number.h"
#include "lib/base/outcome.h"
#include "lib/base/str.h"

#define assert_slice(s, text) assert_true(slice_is((s), (text)))

static void
slices_compare_with_and_without_case(void **state)
{
	(void)state;
	assert_true(slice_is(slice_of("abc"), "abc"));
	assert_false(slice_is(slice_of("abc"), "abC"));
	assert_true(slice_is_nocase(slice_of("aBc"), "AbC"));
	assert_false(slice_is_nocase(slice_of("abc"), "abcd"));
	/* Only ASCII letters fold: '[' and '{' differ by the same bit. */
	assert_false(slice_is_nocase(slice_of("[\xc0"), "{\xe0"));
	assert_true(slice_starts(slice_of("abc"), "ab"));
	assert_true(slice_starts(slice_of("abc"), ""));
	assert_false(slice_starts(slice_of("a"), "ab"));
	assert_true(slice_starts_nocase(slice_of("FROM:x"), "from:"));
	assert_true(slice_ends(slice_of("abc"), "bc"));
	assert_false(slice_ends(slice_of("c"), "bc"));
	assert_false(slice_equal(slice_make("a\0b", 3), slice_make("a\0c", 3)));
}

static void
slices_are_cut_within_their_bounds(void **state)
{
	(void)state;
	struct slice s = slice_of("a@b@c"), none = slice_of(NULL);
	assert_int_equal(slice_find(s, '@'), 1);
	assert_int_equal(slice_find_last(s, '@'), 3);
	assert_int_equal(slice_find(s, 'x'), 5);
	assert_int_equal(slice_find_last(s, 'x'), 5);
	assert_slice(slice_from(s, 2), "b@c");
	assert_slice(slice_from(s, 9), "");
	assert_slice(slice_first(s, 9), "a@b@c");
	assert_slice(slice_trim(slice_of(" \t a b \t")), "a b");
	assert_slice(slice_trim(slice_of(" \t ")), "");
	assert_int_equal(none.len, 0);
	assert_int_equal(slice_find(none, 'x'), 0);
	assert_slice(slice_from(none, 3), "");
	assert_true(slice_equal(none, slice_of("")));
}

static void
a_byte_is_found_wherever_it_stands(void **state)
{
	(void)state;
	char text[70];
	memset(text, 'a', sizeof text);
	for (size_t from = 0; from < 20; from++)
		for (size_t len = 0; from + len <= sizeof text; len++) {
			/* What lies around the slice is not of it. */
			struct slice s = slice_make(text + from, len);
			assert_int_equal(slice_find(s, (char)0xe9), len);
			for (size_t at = 0; at < sizeof text; at++) {
				text[at] = (char)0xe9;
				assert_int_equal(slice_find(s, (char)0xe9), at < from || at - from > len ? len : at - from);
				text[at] = 'a';
			}
		}
}

static void
slices_split_into_parts(void **state)
{
	(void)state;
	struct slice rest = slice_of("a,,b,"), part;
	assert_true(slice_split(&rest, ',', &part));
	assert_slice(part, "a");
	assert_true(slice_split(&rest, ',', &part));
	assert_slice(part, "");
	assert_true(slice_split(&rest, ',', &part));
	assert_slice(part, "b");
	assert_false(slice_split(&rest, ',', &part));
}

static void
a_cursor_stops_at_the_end(void **state)
{
	(void)state;
	struct cursor c = cursor_over(slice_make("a\xff", 2));
	assert_int_equal(cursor_peek(&c), 'a');
	assert_int_equal(cursor_next(&c), 'a');
	assert_int_equal(cursor_next(&c), 0xff);
	for (int i = 0; i < 3; i++)
		assert_int_equal(cursor_next(&c), CURSOR_END);
	assert_true(cursor_at_end(&c));
	assert_false(cursor_take(&c, 'a'));
	/* CURSOR_END is not the byte 255. */
	assert_false(cursor_take(&c, '\xff'));
}

static void
a_cursor_takes_all_or_nothing(void **state)
{
	(void)state;
	struct cursor c = cursor_over(slice_of("Size=12 abc"));
	struct slice bytes;
	uint64_t n;
	assert_false(cursor_take_nocase(&c, "size:"));
	assert_true(cursor_take_nocase(&c, "SIZE="));
	assert_false(cursor_take_number(&c, 11, &n));
	assert_true(cursor_take_number(&c, 12, &n));
	assert_int_equal(n, 12);
	assert_false(cursor_take_number(&c, 12, &n));
	cursor_skip_spaces(&c);
	assert_false(cursor_take_bytes(&c, 4, &bytes));
	assert_slice(cursor_take_while(&c, ascii_is_digit), "");
	assert_true(cursor_take_bytes(&c, 3, &bytes));
	assert_slice(bytes, "abc");
}

static void
a_cursor_reads_the_largest_number_and_no_larger(void **state)
{
	(void)state;
	uint64_t n;
	struct cursor c = cursor_over(slice_of("18446744073709551615"));
	assert_true(cursor_take_number(&c, UINT64_MAX, &n));
	assert_true(n == UINT64_MAX);
	c = cursor_over(slice_of("18446744073709551616"));
	assert_false(cursor_take_number(&c, UINT64_MAX, &n));
	assert_int_equal(c.rest.len, 20);
	c = cursor_over(slice_of("99999999999999999999999999999999"));
	assert_false(cursor_take_number(&c, UINT64_MAX, &n));
}

static void
a_string_grows_up_to_its_cap(void **state)
{
	(void)state;
	struct str s = STR_MOST(200);
	assert_string_equal(str_text(&s), "");
	assert_slice(str_slice(&s), "");
	for (int i = 0; i < 200; i++)
		assert_true(str_append_byte(&s, 'x'));
	assert_false(str_append_byte(&s, 'y'));
	assert_true(s.failed);
	assert_int_equal(s.len, 200);
	assert_int_equal(strlen(str_text(&s)), 200);
	str_truncate(&s, 10);
	assert_false(str_append_text(&s, "still failed"));
	str_clear(&s);
	assert_true(str_append_text(&s, "again"));
	assert_string_equal(str_text(&s), "again");
	str_free(&s);
	assert_int_equal(s.limit, 200);
	assert_true(str_append_number(&s, UINT64_MAX));
	assert_string_equal(str_text(&s), "18446744073709551615");
	str_free(&s);
}

static void
a_string_refuses_sizes_that_overflow(void **state)
{
	(void)state;
	struct str s = STR_MOST(SIZE_MAX);
	assert_true(str_append_text(&s, "ab"));
	assert_false(str_append(&s, "x", SIZE_MAX - 1));
	assert_true(s.failed);
	assert_string_equal(str_text(&s), "ab");
	str_clear(&s);
	assert_false(str_append(&s, "x", SIZE_MAX));
	str_free(&s);
}

static void
a_string_is_changed_in_place(void **state)
{
	(void)state;
	struct str s = STR_MOST(1000);
	assert_true(str_append_format(&s, "%d-%s", 7, "seven"));
	assert_string_equal(str_text(&s), "7-seven");
	str_consume(&s, 2);
	assert_string_equal(str_text(&s), "seven");
	str_consume(&s, 100);
	assert_string_equal(str_text(&s), "");
	assert_true(str_set(&s, slice_make("a\0b", 3)));
	assert_int_equal(s.len, 3);
	str_truncate(&s, 5);
	assert_int_equal(s.len, 3);
	str_free(&s);
	str_consume(&s, 1);
	struct str small = STR_MOST(3);
	assert_false(str_append_format(&small, "%s", "four"));
	assert_true(small.failed);
	str_free(&small);
}

static void
numbers_are_read_whole_or_not_at_all(void **state)
{
	(void)state;
	uint64_t n = 5;
	assert_true(number_parse(slice_of("0"), 10, &n));
	assert_int_equal(n, 0);
	assert_true(number_parse(slice_of("0010"), 10, &n));
	assert_int_equal(n, 10);
	static const char *const wrong[] = {"", " 1", "1 ", "+1", "-1", "1x", "x", "11", "1.0", "18446744073709551626"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(number_parse(slice_of(wrong[i]), 10, &n));
	assert_false(number_parse(slice_make("1\0", 2), 10, &n));
}

static void
digits_are(uint64_t number, unsigned base, size_t width, const char *wanted)
{
	char room[NUMBER_WIDTH_MOST];
	struct slice digits = number_digits(room, number, base, width);
	assert_true(slice_is(digits, wanted));
	assert_true(digits.data >= room && digits.data + digits.len == room + sizeof room);
}

static void
numbers_are_written_with_zeros_before_them(void **state)
{
	(void)state;
	digits_are(0, 10, 0, "0");
	digits_are(0, 16, 3, "000");
	digits_are(UINT64_MAX, 10, 0, "18446744073709551615");
	digits_are(UINT64_MAX, 16, 1, "ffffffffffffffff");
	digits_are(0x1a, 16, 8, "0000001a");
	digits_are(7, 10, NUMBER_WIDTH_MOST, "00000000000000000000000000000007");
	digits_are(7, 10, 99, "00000000000000000000000000000007");
}

static void
numbers_have_units(void **state)
{
	(void)state;
	uint64_t n;
	assert_true(number_parse_size(slice_of("10M"), UINT64_MAX, &n));
	assert_int_equal(n, 10 << 20);
	assert_true(number_parse_size(slice_of("3k"), UINT64_MAX, &n));
	assert_int_equal(n, 3072);
	assert_false(number_parse_size(slice_of("3kb"), UINT64_MAX, &n));
	assert_false(number_parse_size(slice_of("18446744073709551615G"), UINT64_MAX, &n));
	assert_false(number_parse_size(slice_of("2K"), 2047, &n));
	assert_true(number_parse_seconds(slice_of("5d"), UINT64_MAX, &n));
	assert_int_equal(n, 432000);
	assert_true(number_parse_seconds(slice_of("2W"), UINT64_MAX, &n));
	assert_int_equal(n, 1209600);
	assert_false(number_parse_seconds(slice_of("5y"), UINT64_MAX, &n));
	assert_false(number_parse_seconds(slice_of("d"), UINT64_MAX, &n));
}

static void
base64_agrees_with_the_rfc(void **state)
{
	(void)state;
	/* RFC 4648 section 10. */
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct str a = STR_MOST(100), b = STR_MOST(100);
		assert_true(base64_encode(&a, slice_of(pairs[i][0])));
		assert_string_equal(str_text(&a), pairs[i][1]);
		assert_true(base64_decode(&b, str_slice(&a)));
		assert_string_equal(str_text(&b), pairs[i][0]);
		str_free(&a);
		str_free(&b);
	}
}

static void
base64_has_one_text_for_one_value(void **state)
{
	(void)state;
	static const char *const wrong[] = {"Zg=", "Zg", "Z", "Zg==Zg==", "Zh==", "Zm9=", "====", "=g==", "Zg=a", "Zm 9",
	    "Zm9v\n", "Zm9-", "Z===", "\xff\xff\xff\xff"};
	struct str s = STR_MOST(100);
	assert_true(str_append_text(&s, "keep"));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_false(base64_decode(&s, slice_of(wrong[i])));
		assert_string_equal(str_text(&s), "keep");
	}
	str_free(&s);
}

static void
every_byte_survives_base64(void **state)
{
	(void)state;
	char bytes[256];
	struct str a = STR_MOST(1000), b = STR_MOST(1000);
	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	for (size_t len = 0; len <= 256; len++) {
		str_clear(&a);
		str_clear(&b);
		assert_true(base64_encode(&a, slice_make(bytes, len)));
		assert_true(base64_decode(&b, str_slice(&a)));
		assert_true(slice_equal(str_slice(&b), slice_make(bytes, len)));
	}
	str_clear(&a);
	assert_true(hex_encode(&a, slice_make("\0\x7f\xff", 3)));
	assert_string_equal(str_text(&a), "007fff");
	str_free(&a);
	str_free(&b);
}

static void
a_full_string_stays_as_it_was(void **state)
{
	(void)state;
	struct str s = STR_MOST(5);
	assert_true(str_append_text(&s, "ab"));
	assert_false(base64_encode(&s, slice_of("foo")));
	assert_string_equal(str_text(&s), "ab");
	str_clear(&s);
	assert_false(base64_decode(&s, slice_of("Zm9vYmFy")));
	assert_string_equal(str_text(&s), "");
	str_free(&s);
}

static void
an_outcome_has_the_class_of_its_code(void **state)
{
	(void)state;
	struct outcome o = outcome_make("4.2.2", "full: %s", "a\r\nb\xc3");
	assert_int_equal(o.class, OUTCOME_TEMPORARY);
	assert_string_equal(o.text, "full: a??b?");
	assert_string_equal(outcome_word(&o), "deferred");
	assert_false(outcome_is_done(&o));
	o = outcome_make("5.1.1", "no");
	assert_string_equal(outcome_word(&o), "failed");
	o = outcome_done();
	assert_true(outcome_is_done(&o));
	assert_string_equal(o.code, "2.0.0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(slices_compare_with_and_without_case),
	    cmocka_unit_test(slices_are_cut_within_their_bounds),
	    cmocka_unit_test(a_byte_is_found_wherever_it_stands),
	    cmocka_unit_test(slices_split_into_parts),
	    cmocka_unit_test(a_cursor_stops_at_the_end),
	    cmocka_unit_test(a_cursor_takes_all_or_nothing),
	    cmocka_unit_test(a_cursor_reads_the_largest_number_and_no_larger),
	    cmocka_unit_test(a_string_grows_up_to_its_cap),
	    cmocka_unit_test(a_string_refuses_sizes_that_overflow),
	    cmocka_unit_test(a_string_is_changed_in_place),
	    cmocka_unit_test(numbers_are_read_whole_or_not_at_all),
	    cmocka_unit_test(numbers_are_written_with_zeros_before_them),
	    cmocka_unit_test(numbers_have_units),
	    cmocka_unit_test(base64_agrees_with_the_rfc),
	    cmocka_unit_test(base64_has_one_text_for_one_value),
	    cmocka_unit_test(every_byte_survives_base64),
	    cmocka_unit_test(a_full_string_stays_as_it_was),
	    cmocka_unit_test(an_outcome_has_the_class_of_its_code),
	};
	return cmocka_run_group_tests_name("base text", tests, NULL, NULL);
}
