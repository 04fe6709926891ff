/* lib/mail/crlf: lines as they go over the wire, against what is made byte by byte, whatever the pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mail/crlf.h"

enum { MOST = 100, TEXTS = 3000 };

static unsigned seed = 1;

static unsigned
draw(unsigned below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

/* Mostly letters, so that there are lines longer than a step, and all that can stand around a border of steps. */
static size_t
make_text(char *text)
{
	static const char bytes[] = "\r\n\n\r.abcdefghijklmnop\0\x80";
	size_t len = draw(MOST), kinds = draw(2) == 0 ? sizeof bytes - 1 : 5;
	for (size_t i = 0; i < len; i++)
		text[i] = draw(4) == 0 ? bytes[draw((unsigned)kinds)] : 'x';
	return len;
}

static size_t
slowly(char *to, const char *text, size_t text_len)
{
	size_t len = 0;
	for (size_t i = 0; i < text_len; i++) {
		if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
			to[len++] = '\r';
		to[len++] = text[i];
	}
	return len;
}

static void
test_in_pieces(void **state)
{
	(void)state;
	for (int i = 0; i < TEXTS; i++) {
		char text[MOST], wanted[2 * MOST];
		size_t text_len = make_text(text), len = slowly(wanted, text, text_len), made_len = 0;
		uint64_t size = 0;
		bool carriage = false, counted = false;
		/* No more room than is said, so that a sanitizer sees what goes beyond. */
		char *made = malloc(2 * text_len + CRLF_BEYOND);
		assert_non_null(made);
		for (size_t at = 0, piece; at < text_len; at += piece) {
			piece = 1 + draw((unsigned)(text_len - at));
			size += crlf_size(slice_make(text + at, piece), &counted);
			made_len += crlf_copy(made + made_len, slice_make(text + at, piece), &carriage);
		}
		assert_int_equal(size, len);
		assert_int_equal(made_len, len);
		assert_memory_equal(made, wanted, len);
		free(made);
	}
}

static void
test_a_line(void **state)
{
	(void)state;
	for (size_t len = 0; len < MOST; len++) {
		char text[MOST + 1];
		char *line = malloc(len + 1 + CRLF_BEYOND);
		assert_non_null(line);
		memset(text, 'y', len);
		text[len] = '\n';
		assert_int_equal(crlf_copy_line(line, slice_make(text, len)), len);
		assert_memory_equal(line, text, len);
		assert_int_equal(crlf_copy_line(line, slice_make(text, len + 1)), len);
		assert_memory_equal(line, text, len);
		free(line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_in_pieces),
	    cmocka_unit_test(test_a_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
