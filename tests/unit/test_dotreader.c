/* Promise 4: every line ender around a dot, at every split point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "lib/mail/dotreader.h"

struct result {
	struct str text;
	bool       bare, ended;
	size_t     left; /* bytes behind the end */
};

static void
feed(struct dotreader *d, struct slice chunk, struct result *r)
{
	struct slice left = chunk;
	for (struct slice run; (run = dotreader_run(d, &left)).len > 0;)
		assert_true(str_append_slice(&r->text, run));
	if (dotreader_ended(d))
		r->left += left.len;
	else
		assert_int_equal(left.len, 0);
}

/* The whole input in chunks cut at two points. */
static struct result
read_cut(struct slice input, size_t first, size_t second)
{
	struct result r = {.text = STR_MOST(4096)};
	struct dotreader d = DOTREADER_START;
	feed(&d, slice_first(input, first), &r);
	feed(&d, slice_from(slice_first(input, second), first), &r);
	feed(&d, slice_from(input, second), &r);
	r.bare = d.bare;
	r.ended = dotreader_ended(&d);
	return r;
}

/* What it means, said in the plainest way: the whole input is there. */
static struct result
read_model(struct slice input)
{
	struct result r = {.text = STR_MOST(4096)};
	bool line_start = true;
	size_t i = 0;
	while (i < input.len) {
		struct slice rest = slice_from(input, i);
		if (line_start && slice_starts(rest, ".\r\n")) {
			r.ended = true;
			r.left = rest.len - 3;
			return r;
		}
		if (line_start && rest.data[0] == '.')
			rest = slice_from(input, ++i);
		line_start = false;
		if (slice_starts(rest, "\r\n")) {
			str_append_text(&r.text, "\r\n");
			line_start = true;
			i += 2;
			continue;
		}
		if (rest.len == 0)
			return r;
		/* A CR at the very end may still become a CRLF. */
		if (rest.data[0] == '\n' || (rest.data[0] == '\r' && rest.len > 1))
			r.bare = true;
		str_append_byte(&r.text, rest.data[0]);
		i++;
	}
	return r;
}

static void
compare(struct slice input, size_t first, size_t second)
{
	struct result got = read_cut(input, first, second);
	struct result want = read_model(input);
	assert_int_equal(got.ended, want.ended);
	assert_int_equal(got.left, want.left);
	assert_int_equal(got.bare, want.bare);
	/* A CR whose line is not yet decided need not agree. */
	if (want.ended)
		assert_true(slice_equal(str_slice(&got.text), str_slice(&want.text)));
	str_free(&got.text);
	str_free(&want.text);
}

static void
compare_all_cuts(struct slice input)
{
	for (size_t first = 0; first <= input.len; first++)
		for (size_t second = first; second <= input.len; second++)
			compare(input, first, second);
}

/* Every text of up to 7 bytes of this alphabet, behind the start of DATA, at every pair of cuts. */
static void
test_every_short_text(void **state)
{
	(void)state;
	static const char alphabet[] = "\r\n.x";
	char text[8];
	for (size_t len = 0; len <= 7; len++)
		for (uint32_t number = 0; number < 1u << (2 * len); number++) {
			for (size_t i = 0; i < len; i++)
				text[i] = alphabet[number >> (2 * i) & 3];
			compare_all_cuts(slice_make(text, len));
		}
}

static void
test_line_enders_around_the_dot(void **state)
{
	(void)state;
	static const char *const enders[] = {"\r\n", "\n", "\r", "\r\r\n", "\n\n", "\r\n\r", "\n\r", "\r\r", ""};
	size_t count = sizeof enders / sizeof *enders;
	for (size_t before = 0; before < count; before++)
		for (size_t after = 0; after < count; after++) {
			struct str text = STR_MOST(200);
			str_append_format(&text, "a: b\r\n\r\none%s.%stwo\r\n.\r\nQUIT\r\n", enders[before], enders[after]);
			compare_all_cuts(str_slice(&text));
			struct result r = read_cut(str_slice(&text), 0, 0);
			/* The promise in one line: the first CRLF.CRLF is the end. */
			const char *end = strstr(str_text(&text), "\r\n.\r\n");
			assert_true(r.ended);
			assert_int_equal(r.left, strlen(end + 5));
			str_free(&r.text);
			str_free(&text);
		}
}

static void
test_dots_are_taken_out(void **state)
{
	(void)state;
	struct result r = read_cut(slice_of("..one\r\n...\r\n.two.\r\nth.ree\r\n.\r\n"), 3, 9);
	assert_true(r.ended);
	assert_false(r.bare);
	assert_true(slice_is(str_slice(&r.text), ".one\r\n..\r\ntwo.\r\nth.ree\r\n"));
	str_free(&r.text);
}

static void
test_empty_text(void **state)
{
	(void)state;
	struct result r = read_cut(slice_of(".\r\nRSET\r\n"), 1, 2);
	assert_true(r.ended);
	assert_int_equal(r.text.len, 0);
	assert_int_equal(r.left, 6);
	str_free(&r.text);
}

static void
test_other_bytes_pass(void **state)
{
	(void)state;
	char all[259];
	size_t len = 0;
	for (int c = 0; c < 256; c++)
		if (c != '\r' && c != '\n')
			all[len++] = (char)c;
	memcpy(all + len, "\r\n.\r\n", 5);
	struct result r = read_cut(slice_make(all, len + 5), 100, 200);
	assert_true(r.ended);
	assert_int_equal(r.text.len, len + 2);
	assert_memory_equal(r.text.data, all, len + 2);
	str_free(&r.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_short_text),
		cmocka_unit_test(test_line_enders_around_the_dot),
		cmocka_unit_test(test_dots_are_taken_out),
		cmocka_unit_test(test_empty_text),
		cmocka_unit_test(test_other_bytes_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
