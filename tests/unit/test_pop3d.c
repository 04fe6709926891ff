/* pop3d/surrogate.h (RFC 6858, 6856 section 2.1), uidl.h (RFC 1939 section 7), command.h and session.h (RFC 1939 section 3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/mail/address.h"
#include "pop3d/command.h"
#include "pop3d/session.h"
#include "pop3d/surrogate.h"
#include "pop3d/uidl.h"

#define NOWHERE "<invalid@internationalized-address.invalid>"

static struct surrogate surrogate;
static struct str out;

static void
keep(void *context, struct slice bytes)
{
	str_append_slice(context, bytes);
}

static struct slice
converted(struct slice text, size_t step)
{
	str_clear(&out);
	out.limit = 4u << 20;
	surrogate_begin(&surrogate, (struct transfer_taker){.take = keep, .context = &out});
	for (size_t at = 0; at < text.len; at += step)
		surrogate_feed(&surrogate, slice_first(slice_from(text, at), step));
	surrogate_end(&surrogate);
	return str_slice(&out);
}

/* In whatever pieces it comes. */
static void
convert(const char *text, const char *wanted)
{
	for (size_t step = 1; step <= strlen(text) + 1; step++) {
		converted(slice_of(text), step);
		assert_string_equal(str_text(&out), wanted);
	}
}

static void
stays(const char *text)
{
	convert(text, text);
}

/* --- RFC 6858 section 2.1: addresses ------------------------------------------------------ */

static void
test_an_address_that_ascii_cannot_write_leads_nowhere(void **state)
{
	(void)state;
	convert("From: Anna <\xc3\xa9@a.test>\r\n\r\n", "From: Anna " NOWHERE "\r\n\r\n");
	convert("From: \xc3\xa9@a.test\r\n\r\n", "From: =?utf-8?B?w6lAYS50ZXN0?= " NOWHERE "\r\n\r\n");
	convert("To: <\xc3\xa9@a.test>\n\n", "To: =?utf-8?B?w6lAYS50ZXN0?= " NOWHERE "\r\n\n");
}

static void
test_the_others_of_a_list_stay(void **state)
{
	(void)state;
	convert("To: Anna <a@b.test>, \xc3\xa9@a.test, \"B, b\" <b@b.test>\r\n\r\n",
	    "To: Anna <a@b.test>,\r\n =?utf-8?B?w6lAYS50ZXN0?= " NOWHERE ",\r\n \"B, b\" <b@b.test>\r\n\r\n");
}

static void
test_a_name_alone_is_an_encoded_word(void **state)
{
	(void)state;
	convert("Cc: \xc3\xa9 <a@b.test>\r\n\r\n", "Cc: =?utf-8?B?w6k=?= <a@b.test>\r\n\r\n");
	convert("Cc: \"\xc3\xa9, x\" <\"a b\"@b.test>\r\n\r\n", "Cc: =?utf-8?B?w6ksIHg=?= <\"a b\"@b.test>\r\n\r\n");
}

/* It is the same address: the domain has a form in ASCII (RFC 5891). */
static void
test_a_domain_alone_is_written_as_dns_has_it(void **state)
{
	(void)state;
	convert("From: A <a@b\xc3\xbc"
		"cher.test>\r\n\r\n", "From: A <a@xn--bcher-kva.test>\r\n\r\n");
}

static void
test_groups(void **state)
{
	(void)state;
	convert("To: \xc3\xa9: a@b.test, \xc3\xa9@a.test;, c@d.test\r\n\r\n",
	    "To: =?utf-8?B?w6k=?=: a@b.test,\r\n =?utf-8?B?w6lAYS50ZXN0?= " NOWHERE ";,\r\n c@d.test\r\n\r\n");
}

/* --- section 2.2: parameters of MIME ------------------------------------------------------------ */

static void
test_parameters(void **state)
{
	(void)state;
	convert("Content-Type: text/plain; charset=utf-8; name=\"\xc3\xa9 1\"\r\n\r\n",
	    "Content-Type: text/plain;\r\n charset=utf-8;\r\n name*=utf-8''%C3%A9%201\r\n\r\n");
	convert("Content-Disposition: attachment; \xc3\xa9=x; filename=\xc3\xa9;\r\n size=1\r\n\r\n",
	    "Content-Disposition: attachment;\r\n filename*=utf-8''%C3%A9;\r\n size=1\r\n\r\n");
	convert("Content-Type: \xc3\xa9/x\r\nA: b\r\n\r\n", "A: b\r\n\r\n");
}

/* RFC 2231 section 3; RFC 5322 section 2.1.1: no line is over 998. */
static void
test_a_long_parameter_comes_in_pieces(void **state)
{
	struct str text = STR_MOST(1 << 16);
	(void)state;
	str_append_text(&text, "Content-Type: a/b; name=\"");
	for (int i = 0; i < 1000; i++)
		str_append_text(&text, "\xc3\xa9");
	str_append_text(&text, "\"\r\n\r\n");
	struct slice rest = converted(str_slice(&text), 100), line;
	size_t count = 0;
	while (slice_split(&rest, '\n', &line)) {
		assert_true(line.len < 998);
		count += slice_starts(line, " name*");
	}
	assert_true(count >= 6);
	assert_non_null(strstr(str_text(&out), "name*0*=utf-8''%C3%A9"));
	assert_non_null(strstr(str_text(&out), ";\r\n name*1*=%"));
	str_free(&text);
}

/* --- sections 2.3 and 2.4 --------------------------------------------------------------------------- */

static void
test_texts_are_encoded_words(void **state)
{
	(void)state;
	convert("Subject: \xc3\xa9\r\nX-Any:\r\n \xc3\xa9\r\n\r\n", "Subject: =?utf-8?B?w6k=?=\r\nX-Any: =?utf-8?B?w6k=?=\r\n\r\n");
}

static void
test_what_has_no_form_is_left_out(void **state)
{
	(void)state;
	convert("A: b\r\nMessage-ID: <\xc3\xa9@x>\r\nReceived: from \xc3\xa9\r\n\tby x\r\n\xc3\xa9: x\r\nno field \xc3\xa9\r\n"
		"ARC-Seal: \xc3\xa9\r\nReferences: <a@b>\r\n\r\n\xc3\xa9\r\n",
	    "A: b\r\nReferences: <a@b>\r\n\r\n\xc3\xa9\r\n");
}

/* --- what stays ------------------------------------------------------------------------------------------ */

static void
test_ascii_and_bodies_stay(void **state)
{
	(void)state;
	stays("");
	stays("\n");
	stays("x");
	stays("Subject: a\n b\r\n\nbody \xc3\xa9\r\n\r\nSubject: \xc3\xa9\r\n");
	stays("From x\nContent-Type: multipart/mixed; boundary=b\n\n\xc3\xa9\n--b\n\nSubject: \xc3\xa9\n--b--\nSubject: \xc3\xa9");
	stays("Subject: a\r\rb\r\n \r\n\r\n");
}

/* A charset of old, which clients guess; field by field. */
static void
test_what_is_no_utf8_stays(void **state)
{
	(void)state;
	convert("Subject: \xe9\r\nX: \xc3\xa9\r\n\r\n", "Subject: \xe9\r\nX: =?utf-8?B?w6k=?=\r\n\r\n");
}

/* --- headers of parts ------------------------------------------------------------------------------------ */

static void
test_headers_of_parts(void **state)
{
	(void)state;
	convert("Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\npre \xc3\xa9\r\n"
		"--a b\r\nContent-Disposition: attachment; filename=\xc3\xa9\r\n\r\n\xc3\xa9: body\r\n"
		"--a b  \r\nContent-Type: multipart/x; boundary=c\r\nContent-Description: \xc3\xa9\r\n\r\n"
		"--c\r\nX: \xc3\xa9\r\n\r\nX: \xc3\xa9\r\n--c--\r\nX: \xc3\xa9\r\n"
		"--a b--\r\nX: \xc3\xa9\r\n",
	    "Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\npre \xc3\xa9\r\n"
	    "--a b\r\nContent-Disposition: attachment;\r\n filename*=utf-8''%C3%A9\r\n\r\n\xc3\xa9: body\r\n"
	    "--a b  \r\nContent-Type: multipart/x; boundary=c\r\nContent-Description: =?utf-8?B?w6k=?=\r\n\r\n"
	    "--c\r\nX: =?utf-8?B?w6k=?=\r\n\r\nX: \xc3\xa9\r\n--c--\r\nX: \xc3\xa9\r\n"
	    "--a b--\r\nX: \xc3\xa9\r\n");
}

static void
test_headers_of_messages_within(void **state)
{
	(void)state;
	convert("Content-Type: message/rfc822\n\nSubject: \xc3\xa9\n\nSubject: \xc3\xa9\n",
	    "Content-Type: message/rfc822\n\nSubject: =?utf-8?B?w6k=?=\r\n\nSubject: \xc3\xa9\n");
	convert("Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: \xc3\xa9\n\nx\n--b\nContent-Type: text/plain\n\nA: \xc3\xa9\n--b--\n",
	    "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: =?utf-8?B?w6k=?=\r\n\nx\n--b\nContent-Type: text/plain\n\nA: \xc3\xa9\n--b--\n");
}

/* A type that is left out is not what the client reads the body by. */
static void
test_the_type_that_the_client_sees_counts(void **state)
{
	(void)state;
	convert("Content-Type: \xc3\xa9\nContent-Type: multipart/x; boundary=b\n\n--b\nX: \xc3\xa9\n\n--b--\n",
	    "Content-Type: multipart/x; boundary=b\n\n--b\nX: =?utf-8?B?w6k=?=\r\n\n--b--\n");
}

static void
test_a_header_that_ends_with_a_boundary_or_with_the_message(void **state)
{
	(void)state;
	convert("Content-Type: multipart/x; boundary=b\n\n--b\nX: \xc3\xa9\n--b\nX: \xc3\xa9",
	    "Content-Type: multipart/x; boundary=b\n\n--b\nX: =?utf-8?B?w6k=?=\r\n--b\nX: =?utf-8?B?w6k=?=\r\n");
}

/* --- bounds ----------------------------------------------------------------------------------------------- */

static void
test_a_field_over_the_budget_is_ascii_all_the_same(void **state)
{
	(void)state;
	for (int folded = 0; folded < 2; folded++) {
		struct str text = STR_MOST(1 << 20);
		str_append_text(&text, "A: \xc3\xa9\r\nX: ");
		for (size_t i = 0; i < 2 * SURROGATE_FIELD_MOST / 4; i++)
			str_append_text(&text, folded && i % 20 == 0 ? "\r\n \xc3\xa9" : " \xc3\xa9");
		str_append_text(&text, "\r\nB: \xc3\xa9\r\n\r\n\xc3\xa9\r\n");
		for (size_t step = 1000; step < 2000000; step *= 40) {
			struct slice all = converted(str_slice(&text), step);
			const char *end = "\r\nB: =?utf-8?B?w6k=?=\r\n\r\n\xc3\xa9\r\n";
			assert_true(slice_starts(all, "A: =?utf-8?B?w6k=?=\r\nX: ") && slice_ends(all, end));
			assert_true(address_is_ascii(slice_first(all, all.len - 4)));
			assert_true(all.len > text.len);
		}
		str_free(&text);
	}
}

static void
test_a_line_of_a_body_that_never_ends_goes_through(void **state)
{
	struct str text = STR_MOST(4u << 20);
	(void)state;
	str_append_text(&text, "Content-Type: multipart/x; boundary=b\n\n");
	for (int i = 0; i < 1 << 20; i++)
		str_append_byte(&text, i == 7 ? '\n' : '\xe9');
	for (size_t step = 999; step < 3u << 20; step *= 30)
		assert_true(slice_equal(converted(str_slice(&text), step), str_slice(&text)));
	assert_true(surrogate.line.room <= 2 * SURROGATE_FIELD_MOST);
	str_free(&text);
}

/* --- UIDL ---------------------------------------------------------------------------------------------------- */

static void
id_is(const char *format, const char *wanted)
{
	struct uidl_format f;
	const struct uidl_facts m = {.uid = 10, .uidvalidity = 0x1234abcd, .base = slice_of("17.M1P2.host"), .guid = slice_of("g1")};
	assert_null(uidl_format_read(&f, slice_of(format)));
	str_clear(&out);
	assert_true(uidl_append(&out, &f, &m));
	assert_string_equal(str_text(&out), wanted);
}

static void
test_formats_of_other_servers(void **state)
{
	(void)state;
	out.limit = 1000;
	id_is("%08Xu%08Xv", "0000000a1234abcd");
	id_is("UID%u-%v", "UID10-305441741");
	id_is("%f", "17.M1P2.host");
	id_is("%g", "g1");
	id_is("%v.%u", "305441741.10");
	id_is("%08Xv%08Xu", "1234abcd0000000a");
	id_is("%010u%%", "0000000010%");
	id_is("%{uid | hex(8)}%{uidvalidity|hex}", "0000000a1234abcd");
	id_is("%{guid}", "g1");
}

static void
test_formats_that_cannot_be(void **state)
{
	static const char *const wrong[] = {"", "%v", "x", "%", "%z", "%u %v", "%08", "%8Xu", "%0999Xu", "%Xf", "%08g", "%{uid", "%{user}",
	    "%{uid | md5}", "%{uid | hex(}", "%{uid | hex(99)}", "\xc3\xbc%u", "\x7f%u", "%u%u%u%u%u%u%u%u%u%u%u%u%u%u%u%u%u"};
	struct uidl_format f;
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_non_null(uidl_format_read(&f, slice_of(wrong[i])));
}

/* RFC 1939 section 7: 1 to 70 characters of 0x21 to 0x7E. */
static void
test_ids_are_bounded(void **state)
{
	struct str id = STR_MOST(1000);
	char first[64];
	(void)state;
	str_append_text(&id, "before");
	assert_true(uidl_bound(&id, 6, UIDL_MOST)); /* empty */
	assert_int_equal(id.len, 6 + 33);
	str_set(&id, slice_of("fit!~"));
	assert_false(uidl_bound(&id, 0, UIDL_MOST));
	assert_string_equal(str_text(&id), "fit!~");
	str_clear(&id);
	for (int i = 0; i < 70; i++)
		str_append_byte(&id, 'x');
	assert_false(uidl_bound(&id, 0, UIDL_MOST));
	str_append_byte(&id, 'x');
	assert_true(uidl_bound(&id, 0, UIDL_MOST));
	snprintf(first, sizeof first, "%s", str_text(&id));
	str_set(&id, slice_of("with space"));
	assert_true(uidl_bound(&id, 0, UIDL_MOST));
	assert_string_not_equal(str_text(&id), first);
	/* An id is the same in every version of this program. */
	str_set(&id, slice_of("with space"));
	uidl_bound(&id, 0, UIDL_MOST);
	snprintf(first, sizeof first, "%s", str_text(&id));
	assert_int_equal(first[0], 'h');
	str_free(&id);
}

/* --- commands --------------------------------------------------------------------------------------------------- */

static void
test_commands(void **state)
{
	uint64_t number, lines;
	struct command c = command_of(slice_of("PASS  a b \r\n"));
	(void)state;
	assert_true(slice_is(c.name, "PASS") && slice_is(c.argument, " a b ") && c.has_argument);
	c = command_of(slice_of("NOOP  \n"));
	assert_true(slice_is(c.name, "NOOP") && !c.has_argument);
	assert_true(command_top(slice_of("3 0"), &number, &lines) && number == 3 && lines == 0);
	assert_false(command_top(slice_of("3"), &number, &lines));
	assert_false(command_top(slice_of("0 1"), &number, &lines));
	assert_false(command_message(slice_of("-1"), &number));
	assert_false(command_message(slice_of("4294967296"), &number));
	assert_true(command_message(slice_of("4294967295"), &number));
}

/* --- RFC 1939 section 3: the session of a client that says nothing any more ends, without an UPDATE ----------------- */

static const struct policy policy = {.lock = true, .takeover = 1};
static struct session session;
static int client;

/* A session whose client has said nothing for that long, and now this. */
static void
serve(int64_t silent, const char *said)
{
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	client = ends[0];
	memset(&session, 0, sizeof session);
	session.policy = &policy;
	session.lock.fd = -1;
	session.heard = clock_ms() - silent;
	input_open(&session.in, ends[1], SESSION_IDLE);
	output_open(&session.out, ends[1], SESSION_WRITE_TIME);
	assert_int_equal(write(client, said, strlen(said)), strlen(said));
	if (silent < SESSION_IDLE)
		shutdown(client, SHUT_WR);
	session_serve(&session);
	close(ends[1]);
}

static void
test_silence_ends_a_session(void **state)
{
	char byte;
	(void)state;
	serve(SESSION_IDLE, "");
	assert_true(session.done);
	assert_int_equal(read(client, &byte, 1), 0);
	close(client);
}

/* Or one byte now and then would hold the lock for ever. */
static void
test_half_a_command_is_silence(void **state)
{
	(void)state;
	serve(SESSION_IDLE, "NOO");
	assert_true(session.done);
	close(client);
}

static void
test_a_command_begins_the_time_anew(void **state)
{
	char answer[64] = "";
	(void)state;
	serve(SESSION_IDLE - 1, "NOOP\r\n");
	assert_true(clock_ms() - session.heard < SESSION_IDLE / 2);
	assert_true(read(client, answer, sizeof answer - 1) > 0);
	assert_memory_equal(answer, "+OK", 3);
	close(client);
}

static int
tear_down(void **state)
{
	(void)state;
	surrogate_free(&surrogate);
	str_free(&out);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_address_that_ascii_cannot_write_leads_nowhere),
		cmocka_unit_test(test_the_others_of_a_list_stay),
		cmocka_unit_test(test_a_name_alone_is_an_encoded_word),
		cmocka_unit_test(test_a_domain_alone_is_written_as_dns_has_it),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_a_long_parameter_comes_in_pieces),
		cmocka_unit_test(test_texts_are_encoded_words),
		cmocka_unit_test(test_what_has_no_form_is_left_out),
		cmocka_unit_test(test_ascii_and_bodies_stay),
		cmocka_unit_test(test_what_is_no_utf8_stays),
		cmocka_unit_test(test_headers_of_parts),
		cmocka_unit_test(test_headers_of_messages_within),
		cmocka_unit_test(test_the_type_that_the_client_sees_counts),
		cmocka_unit_test(test_a_header_that_ends_with_a_boundary_or_with_the_message),
		cmocka_unit_test(test_a_field_over_the_budget_is_ascii_all_the_same),
		cmocka_unit_test(test_a_line_of_a_body_that_never_ends_goes_through),
		cmocka_unit_test(test_formats_of_other_servers),
		cmocka_unit_test(test_formats_that_cannot_be),
		cmocka_unit_test(test_ids_are_bounded),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_silence_ends_a_session),
		cmocka_unit_test(test_half_a_command_is_silence),
		cmocka_unit_test(test_a_command_begins_the_time_anew),
	};
	return cmocka_run_group_tests(tests, NULL, tear_down);
}
