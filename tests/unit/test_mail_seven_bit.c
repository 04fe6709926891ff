/* lib/mail/seven_bit.h and transfer.h: RFC 2045 section 6 (encodings), RFC 6152 section 3, RFC 3030 section 3, RFC 1428. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mail/seven_bit.h"

static struct seven_bit converter;
static struct str out;

static void
keep(void *context, struct slice bytes)
{
	str_append_slice(context, bytes);
}

static void
feed(struct slice text, size_t step)
{
	for (size_t at = 0; at < text.len; at += step)
		seven_bit_feed(&converter, slice_first(slice_from(text, at), step));
	seven_bit_end(&converter);
}

static void
convert_bytes(struct slice text, bool binary, const char *wanted)
{
	for (size_t step = 1; step <= text.len + 1; step++) {
		seven_bit_look(&converter, binary);
		feed(text, step);
		assert_null(converter.facts.obstacle);
		str_clear(&out);
		out.limit = 100000;
		seven_bit_write(&converter, (struct transfer_taker){.take = keep, .context = &out});
		feed(text, step);
		assert_string_equal(str_text(&out), wanted);
	}
}

static void
convert(const char *text, const char *wanted)
{
	convert_bytes(slice_of(text), false, wanted);
}

/* --- quoted-printable and base64 -------------------------------------------------------------- */

static const char *
transferred(enum transfer_kind kind, const char *lines)
{
	struct transfer t;
	struct slice rest = slice_of(lines), line;
	str_clear(&out);
	out.limit = 100000;
	transfer_begin(&t, kind, (struct transfer_taker){.take = keep, .context = &out});
	while (slice_split(&rest, '\n', &line)) {
		transfer_write(&t, line);
		if (rest.len > 0 || slice_ends(slice_of(lines), "\n"))
			transfer_end_line(&t);
	}
	transfer_finish(&t);
	return str_text(&out);
}

static void
quoted_printable_follows_its_five_rules(void **state)
{
	(void)state;
	assert_string_equal(transferred(TRANSFER_QUOTED, "gr\xc3\xbcn=\n"), "gr=C3=BCn=3D\r\n");
	assert_string_equal(transferred(TRANSFER_QUOTED, "a b \nc\t\n \n"), "a b=20\r\nc=09\r\n=20\r\n");
	assert_string_equal(transferred(TRANSFER_QUOTED, "a\rb \x7f"), "a=0Db =7F");
	assert_string_equal(transferred(TRANSFER_QUOTED, "end "), "end=20");
	char line[200], text[201];
	memset(line, 'x', sizeof line);
	snprintf(text, sizeof text, "%.75s\n%.76s\n", line, line);
	const char *got = transferred(TRANSFER_QUOTED, text);
	assert_memory_equal(got + 75, "\r\n", 2);
	assert_memory_equal(got + 77 + 75, "=\r\nx\r\n", 6);
}

static void
a_soft_line_break_cuts_no_escape(void **state)
{
	(void)state;
	char text[80];
	memset(text, 'x', 74);
	strcpy(text + 74, "\xff");
	const char *got = transferred(TRANSFER_QUOTED, text);
	assert_string_equal(got + 74, "=\r\n=FF");
}

static void
base64_has_lines_of_76(void **state)
{
	(void)state;
	assert_string_equal(transferred(TRANSFER_BASE64, "f"), "Zg==");
	assert_string_equal(transferred(TRANSFER_BASE64, "fo"), "Zm8=");
	assert_string_equal(transferred(TRANSFER_BASE64, "foo"), "Zm9v");
	assert_string_equal(transferred(TRANSFER_BASE64, "a\n"), "YQ0K");
	char text[61];
	memset(text, 'a', 60);
	text[60] = '\0';
	const char *got = transferred(TRANSFER_BASE64, text);
	assert_int_equal(strlen(got), 76 + 2 + 4);
	assert_memory_equal(got + 76, "\r\n", 2);
}

/* --- parts ------------------------------------------------------------------------------------ */

static void
a_part_that_needs_nothing_stays_as_it_is(void **state)
{
	(void)state;
	convert("Subject: x\r\n\r\nplain\r\n", "Subject: x\r\n\r\nplain\r\n");
	convert("Content-Transfer-Encoding: base64\r\n\r\nZm9v\r\n", "Content-Transfer-Encoding: base64\r\n\r\nZm9v\r\n");
	convert("a\nb\r\n", "a\r\nb\r\n");
}

static void
text_is_quoted_and_the_encoding_renamed(void **state)
{
	(void)state;
	convert("MIME-Version: 1.0\r\nContent-Transfer-Encoding:\r\n 8bit\r\nContent-Type: text/plain; charset=utf-8\r\nSubject: y\r\n\r\n"
		"a long line of seven bits, gr\xc3\xbcn\r\n",
	    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nSubject: y\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "a long line of seven bits, gr=C3=BCn\r\n");
}

static void
text_of_another_alphabet_is_base64(void **state)
{
	(void)state;
	convert("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=x\r\n\r\n\xe4\xbd\xa0\xe5\xa5\xbd\r\n",
	    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=x\r\nContent-Transfer-Encoding: base64\r\n\r\n5L2g5aW9DQo=\r\n");
}

static void
text_without_mime_gets_a_charset(void **state)
{
	(void)state;
	convert("Subject: x\r\n\r\nFahrvergn\xfcgen\r\n",
	    "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\nFahrvergn=FCgen\r\n");
}

static void
each_part_gets_what_it_needs(void **state)
{
	(void)state;
	convert("Content-Type: multipart/mixed; boundary=\"b b\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
		"pr\xc3\xa9\r\n--b b\r\n\r\nseven\r\n--b b  \r\nContent-Type: text/html\r\nContent-Transfer-Encoding: 8BIT\r\n\r\n"
		"<p>a line with one u\xcc \r\n\r\n--b b\r\nContent-Type: image/png\r\n\r\n\xff\xd8\r\n--b b--\r\nepi\xff\r\n",
	    "Content-Type: multipart/mixed; boundary=\"b b\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
	    "pr??\r\n--b b\r\n\r\nseven\r\n--b b  \r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "<p>a line with one u=CC=20\r\n\r\n--b b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n/9g=\r\n--b b--\r\nepi?\r\n");
}

static void
messages_and_multiparts_within_are_descended_into(void **state)
{
	(void)state;
	convert("Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nContent-Type: multipart/x; boundary=aa\r\n\r\n"
		"--aa\r\n\r\neins zwei dr\xfc\r\n--a--\r\n",
	    "Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nContent-Type: multipart/x; boundary=aa\r\n\r\n"
	    "--aa\r\nContent-Type: text/plain; charset=unknown-8bit\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\neins zwei dr=FC\r\n--a--\r\n");
	convert("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\neins zwei dr\xfc",
	    "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\neins zwei dr=FC\r\n");
}

static void
binary_keeps_every_byte(void **state)
{
	(void)state;
	static const char text[] = "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n--b\r\n"
				   "Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\n\n--b\r\r\n--b--\r\n";
	convert_bytes(slice_make(text, sizeof text - 1), true,
	    "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\n--b\r\n"
	    "Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAoKLS1iDQ==\r\n--b--\r\n");
}

/* --- what cannot be ---------------------------------------------------------------------------- */

static struct seven_facts
look(const char *text)
{
	seven_bit_look(&converter, false);
	feed(slice_of(text), 7);
	return converter.facts;
}

static void
obstacles_are_told(void **state)
{
	(void)state;
	assert_true(look("Subject: gr\xc3\xbcn\r\n\r\nx\r\n").header);
	assert_true(look("Content-Type: message/rfc822\r\n\r\nSubject: gr\xc3\xbcn\r\n\r\nx\r\n").header);
	assert_non_null(look("Content-Transfer-Encoding: quoted-printable\r\n\r\n\xff\r\n").obstacle);
	assert_non_null(look("Content-Type: message/partial\r\n\r\n\xff\r\n").obstacle);
	assert_non_null(look("Content-Type: multipart/mixed\r\n\r\n\xff\r\n").obstacle);
	assert_null(look("Content-Type: multipart/mixed\r\n\r\nx\r\n").obstacle);
	assert_null(look("Content-Type: message/global\r\n\r\nSubject: \xff\r\n").obstacle);
	assert_false(look("Content-Type: message/global\r\n\r\nSubject: \xff\r\n").header);
	assert_false(look("Subject: x\r\n\r\nx\r\n").eight);
}

static void
a_bare_line_end_in_a_binary_message_s_header_is_an_obstacle(void **state)
{
	(void)state;
	static const char *const headers[] = {"X: a\nb\r\n\r\nx\r\n", "X: a\rb\r\n\r\nx\r\n"};
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		seven_bit_look(&converter, true);
		feed(slice_of(headers[i]), 3);
		assert_non_null(converter.facts.obstacle);
	}
}

static void
parts_without_end_are_an_obstacle_and_no_more(void **state)
{
	(void)state;
	seven_bit_look(&converter, false);
	seven_bit_feed(&converter, slice_of("Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
	for (int i = 0; i < BUDGET_MIME_PARTS + 10; i++)
		seven_bit_feed(&converter, slice_of("--b\r\n\r\nx\r\n"));
	seven_bit_end(&converter);
	assert_non_null(converter.facts.obstacle);
}

static void
for_lines(struct slice text, bool changes, const char *wanted)
{
	for (size_t step = 1; step <= text.len; step++) {
		seven_bit_look(&converter, true);
		converter.eight_stays = true;
		feed(text, step);
		assert_null(converter.facts.obstacle);
		assert_int_equal(converter.facts.changes, changes);
		str_clear(&out);
		out.limit = 100000;
		seven_bit_write(&converter, (struct transfer_taker){.take = keep, .context = &out});
		feed(text, step);
		assert_string_equal(str_text(&out), wanted);
	}
}

/* RFC 3516 section 6. */
static void
for_a_store_of_lines_only_what_is_no_text_changes(void **state)
{
	static const char nul[] = "Content-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\na\0b";
	(void)state;
	for_lines(slice_of("Subject: \xc3\xbc\r\n\r\n\xc3\xbc\r\n"), false, "Subject: \xc3\xbc\r\n\r\n\xc3\xbc\r\n");
	for_lines(slice_of("Content-Transfer-Encoding: binary\r\n\r\n\xc3\xbc\r\n"), true, "Content-Transfer-Encoding: 8bit\r\n\r\n\xc3\xbc\r\n");
	for_lines(slice_of("Content-Transfer-Encoding: binary\r\n\r\nu\r\n"), true, "Content-Transfer-Encoding: 7bit\r\n\r\nu\r\n");
	for_lines(slice_of("Content-Type: image/x\r\nMIME-Version: 1.0\r\n\r\na\rb"), true,
	    "Content-Type: image/x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ1i\r\n");
	for_lines(slice_make(nul, sizeof nul - 1), true,
	    "Content-Type: image/x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\nYQBi\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(quoted_printable_follows_its_five_rules),
	    cmocka_unit_test(a_soft_line_break_cuts_no_escape),
	    cmocka_unit_test(base64_has_lines_of_76),
	    cmocka_unit_test(a_part_that_needs_nothing_stays_as_it_is),
	    cmocka_unit_test(text_is_quoted_and_the_encoding_renamed),
	    cmocka_unit_test(text_of_another_alphabet_is_base64),
	    cmocka_unit_test(text_without_mime_gets_a_charset),
	    cmocka_unit_test(each_part_gets_what_it_needs),
	    cmocka_unit_test(messages_and_multiparts_within_are_descended_into),
	    cmocka_unit_test(binary_keeps_every_byte),
	    cmocka_unit_test(obstacles_are_told),
	    cmocka_unit_test(a_bare_line_end_in_a_binary_message_s_header_is_an_obstacle),
	    cmocka_unit_test(parts_without_end_are_an_obstacle_and_no_more),
	    cmocka_unit_test(for_a_store_of_lines_only_what_is_no_text_changes),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	str_free(&out);
	seven_bit_free(&converter);
	return failed;
}
