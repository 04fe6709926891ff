/* lib/mail/header: fields of a message, with CRLF and LF, right and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/mail/budget.h"
#include "lib/mail/header.h"

/* "name=value;name=value;@body" */
static const char *
fields(const char *message, size_t len)
{
	static struct str all = STR_MOST(10000);
	struct header_reader r;
	struct header_field f;
	size_t end = 0;
	str_clear(&all);
	header_begin(&r, slice_make(message, len));
	while (header_next(&r, &f)) {
		assert_int_equal(f.start, end);
		assert_true(f.end > f.start && f.end <= len);
		end = f.end;
		str_append_slice(&all, f.name);
		str_append_byte(&all, '=');
		str_append_slice(&all, f.value);
		str_append_byte(&all, ';');
	}
	assert_int_equal(header_body(&r), header_end(slice_make(message, len)));
	str_append_format(&all, "@%zu", header_body(&r));
	return str_text(&all);
}

#define assert_fields(message, expected) assert_string_equal(fields((message), strlen(message)), (expected))

static void
fields_until_the_empty_line(void **state)
{
	(void)state;
	assert_fields("A: 1\r\nB:2\r\n\r\nC: 3\r\n", "A= 1;B=2;@13");
	assert_fields("A: 1\nB:2\n\nC: 3\n", "A= 1;B=2;@10");
	assert_fields("\r\nbody", "@2");
	assert_fields("\n", "@1");
	assert_fields("", "@0");
	assert_fields("A: 1", "A= 1;@4");
	assert_fields("A: 1\r\n", "A= 1;@6");
	assert_fields("A:\r\n\r\n", "A=;@6");
	assert_string_equal(fields(NULL, 0), "@0");
}

static void
the_first_field_of_each_name_is_found(void **state)
{
	(void)state;
	static const char *const names[] = {"Date", "Subject", "To"};
	struct slice values[3] = {{NULL, 0}};
	header_find_each(slice_of("subject: one\nTo:\nSUBJECT: two\nX-Date: 3\n\nDate: body\n"), names, 3, values);
	assert_null(values[0].data);
	assert_true(slice_is(values[1], " one"));
	assert_true(values[2].data != NULL && values[2].len == 0);
}

static void
folded_lines_belong_to_their_field(void **state)
{
	(void)state;
	assert_fields("A: 1\r\n 2\r\n\t3\r\nB: 4\r\n", "A= 1\r\n 2\r\n\t3;B= 4;@20");
	/* A line of spaces is a fold (RFC 5322 section 4.2), not the end. */
	assert_fields("A: 1\n \nB: 2\n\n", "A= 1\n ;B= 2;@13");
}

static void
broken_lines_have_no_name_and_end_nothing(void **state)
{
	(void)state;
	assert_fields("From x Sat Nov 21\nA: 1\n\n", "=From x Sat Nov 21;A= 1;@24");
	assert_fields("junk\r\nA : 1\r\n", "=junk;A= 1;@13");
	assert_fields(" fold first\nA: 1\n", "= fold first;A= 1;@17");
	assert_fields(": no name\nA b: 1\n", "=: no name;=A b: 1;@17");
	assert_fields("\xc3\xbc: 1\n", "=\xc3\xbc: 1;@6");
	assert_fields("A: 1\rB: 2\n", "A= 1\rB: 2;@10");
	static const char text[] = "A: \0x\nB\0: 1\n\n";
	assert_int_equal(strlen(fields(text, sizeof text - 1)), 3);
}

static void
a_field_is_found_by_name(void **state)
{
	(void)state;
	struct header_field f;
	struct slice message = slice_of("Subject: one\r\nsubject: two\r\n\r\nX-Late: no\r\n");
	assert_true(header_find(message, "SUBJECT", &f));
	assert_true(slice_is(f.value, " one"));
	assert_int_equal(f.end, 14);
	assert_false(header_find(message, "Sub", &f));
	assert_false(header_find(message, "X-Late", &f));
}

static void
values_are_unfolded(void **state)
{
	(void)state;
	static const struct {
		const char *raw, *one;
	} values[] = {{" one\r\n two ", "one two"}, {"\r\n one", "one"}, {" a\n\tb\n c", "a\tb c"}, {"", ""}, {" \r\n ", ""},
	    {"a\r\n \r\n b", "a  b"}, {"a \r\n", "a"}, {" a\rb", "ab"}};
	struct str s = STR_MOST(100);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		str_clear(&s);
		assert_true(str_append_text(&s, "x "));
		assert_true(header_unfold(&s, slice_of(values[i].raw)));
		assert_string_equal(str_text(&s) + 2, values[i].one);
	}
	str_clear(&s);
	assert_true(header_unfold(&s, slice_make("a\0b", 3)));
	assert_string_equal(str_text(&s), "ab");
	str_free(&s);
	struct str small = STR_MOST(2);
	assert_false(header_unfold(&small, slice_of("abc")));
	assert_int_equal(small.len, 0);
	str_free(&small);
}

/* `count` times `piece`, then an empty line and "body". */
static struct slice
repeated(const char *piece, size_t count)
{
	size_t len = strlen(piece);
	char *text = malloc(len * count + 6);
	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * len, piece, len);
	memcpy(text + len * count, "\n\nbody", 6);
	return slice_make(text, len * count + 6);
}

static void
over_budget_the_body_is_still_found(void **state)
{
	(void)state;
	struct slice message = repeated("A: b\r\n", BUDGET_HEADER_FIELDS + 1);
	struct header_reader r;
	struct header_field f;
	size_t count = 0;
	header_begin(&r, message);
	while (header_next(&r, &f))
		count++;
	assert_int_equal(count, BUDGET_HEADER_FIELDS);
	assert_true(r.over);
	assert_false(header_next(&r, &f));
	/* The first LF of the tail is the empty line. */
	assert_int_equal(header_body(&r), message.len - 5);
	free((void *)(uintptr_t)message.data);
	message = repeated("A: b\r\n", BUDGET_HEADER_FIELDS);
	header_begin(&r, message);
	while (header_next(&r, &f))
		;
	assert_false(r.over);
	free((void *)(uintptr_t)message.data);
}

static void
time_grows_with_the_length_only(void **state)
{
	(void)state;
	static const char *const pieces[] = {"a\n", " a\n", "a:\n b\n", "a", "\r", ":", " "};
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		struct slice message = repeated(pieces[i], 1000000);
		struct header_reader r;
		struct header_field f;
		int64_t begun = clock_ms();
		header_begin(&r, message);
		while (header_next(&r, &f))
			;
		assert_true(header_body(&r) >= message.len - 6);
		assert_true(clock_ms() - begun < 5000);
		free((void *)(uintptr_t)message.data);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields_until_the_empty_line),
	    cmocka_unit_test(the_first_field_of_each_name_is_found),
	    cmocka_unit_test(folded_lines_belong_to_their_field),
	    cmocka_unit_test(broken_lines_have_no_name_and_end_nothing),
	    cmocka_unit_test(a_field_is_found_by_name),
	    cmocka_unit_test(values_are_unfolded),
	    cmocka_unit_test(over_budget_the_body_is_still_found),
	    cmocka_unit_test(time_grows_with_the_length_only),
	};
	return cmocka_run_group_tests_name("mail header", tests, NULL, NULL);
}
