/* A message on its way out (pop3d/send.c): lines end in CRLF, one that begins with a dot gets a second (RFC 1939 section 3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pop3d/session.h"

#define MOST 20000 /* over what is converted at a time, and what is sent at a time */

static struct session session;
static struct str     out, wanted;
static char           text[MOST];

static void
sent(FILE *file, size_t lines)
{
	struct stat st;
	assert_int_equal(fstat(fileno(file), &st), 0);
	str_clear(&out);
	output_open_memory(&session.out, &out);
	rewind(file);
	session_send(&session, fileno(file), (uint64_t)st.st_size, lines);
	assert_true(output_flush(&session.out));
}

/* Byte by byte, as the RFC says it. */
static void
expect(size_t len)
{
	char last = '\n';
	str_clear(&wanted);
	str_append_text(&wanted, "+OK ");
	str_append_text(&wanted, text_in(LANGUAGE_DEFAULT, TEXT_FOLLOWS));
	str_append_text(&wanted, "\r\n");
	for (size_t i = 0; i < len; last = text[i++]) {
		if (last == '\n' && text[i] == '.')
			str_append_byte(&wanted, '.');
		if (text[i] == '\n' && (i == 0 || last != '\r'))
			str_append_byte(&wanted, '\r');
		str_append_byte(&wanted, text[i]);
	}
	if (last != '\n')
		str_append_text(&wanted, last == '\r' ? "\n" : "\r\n");
	str_append_text(&wanted, ".\r\n");
}

static void
check(size_t len)
{
	FILE *file = tmpfile();
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fflush(file), 0);
	expect(len);
	/* RETR, and TOP of more lines than there are. */
	for (int counted = 0; counted < 2; counted++) {
		sent(file, counted ? SIZE_MAX - 1 : SIZE_MAX);
		assert_int_equal(out.len, wanted.len);
		assert_memory_equal(str_text(&out), str_text(&wanted), wanted.len);
	}
	fclose(file);
}

/* Few kinds of bytes, so that all of them meet; `rare` of 100 are no letters. */
static void
fill(size_t len, int rare)
{
	for (size_t i = 0; i < len; i++)
		text[i] = rand() % 100 < rare ? ".\r\n"[rand() % 3] : (char)('a' + rand() % 26);
}

static void
test_line_ends_and_dots_wherever_they_stand(void **state)
{
	(void)state;
	static const int rare[] = {2, 20, 80};
	srand(1939);
	for (size_t i = 0; i < sizeof rare / sizeof *rare; i++)
		for (size_t len = 0; len < 200; len++) {
			fill(len, rare[i]);
			check(len);
		}
	for (size_t i = 0; i < 60; i++) {
		fill(MOST, rare[i % 3]);
		check(MOST - i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_ends_and_dots_wherever_they_stand),
	};
	session.carried = (struct carried){.language = LANGUAGE_DEFAULT, .utf8 = true};
	out = wanted = STR_MOST(1u << 20);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
