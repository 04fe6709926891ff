/* The parts of postern-smtpd that read text: parameters, hops, command lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/front/peer.h"
#include "smtpd/command.h"
#include "smtpd/hops.h"
#include "lib/mail/parameters.h"
#include "smtpd/received.h"

/* The parameters of `text` as "KEY=value;KEY;", and "!" for a wrong one. */
static const char *
parameters(const char *text)
{
	static struct str all = {.limit = 1000};
	struct slice rest = slice_of(text), keyword, value;
	str_clear(&all);
	for (;;) {
		enum parameter_result r = parameter_next(&rest, &keyword, &value);
		if (r == PARAMETER_NONE)
			return str_text(&all);
		if (r == PARAMETER_WRONG) {
			str_append_text(&all, "!");
			return str_text(&all);
		}
		str_append_slice(&all, keyword);
		if (value.data != NULL)
			str_append_byte(&all, '=');
		str_append_slice(&all, value);
		str_append_byte(&all, ';');
	}
}

static void
test_parameters(void **state)
{
	(void)state;
	assert_string_equal(parameters(""), "");
	assert_string_equal(parameters("  "), "");
	assert_string_equal(parameters(" SIZE=12 BODY=7BIT"), "SIZE=12;BODY=7BIT;");
	assert_string_equal(parameters("  A   B=c "), "A;B=c;");
	assert_string_equal(parameters("SIZE=12"), "!");
	assert_string_equal(parameters(" SIZE="), "!");
	assert_string_equal(parameters(" =x"), "!");
	assert_string_equal(parameters(" A=b=c"), "!");
	assert_string_equal(parameters(" -A"), "!");
	assert_string_equal(parameters(" A=\x80"), "A=\x80;"); /* what may be UTF-8 is for each keyword to say */
	assert_string_equal(parameters(" A=\x7f"), "!");
	assert_string_equal(parameters(" A\tB"), "!");
}

static unsigned
hops_of(const char *message, size_t chunk)
{
	struct hops h = {.count = 0};
	struct slice left = slice_of(message);
	while (left.len > 0) {
		hops_feed(&h, slice_first(left, chunk));
		left = slice_from(left, chunk);
	}
	return h.count;
}

static void
test_hops(void **state)
{
	(void)state;
	const char *message = "Received: a\r\n\tReceived: b\r\nrECEIVED: c\r\nX-Received: d\r\nReceived : e\r\n"
	                      "Receive: f\r\nReceived:\r\n\r\nReceived: body\r\n";
	for (size_t chunk = 1; chunk < 100; chunk++)
		assert_int_equal(hops_of(message, chunk), 3);
	assert_int_equal(hops_of("\r\nReceived: a\r\n", 3), 0);
	assert_int_equal(hops_of("", 1), 0);
}

static void
split(const char *line, const char *verb, const char *argument)
{
	struct slice v, a;
	command_split(slice_of(line), &v, &a);
	assert_true(slice_is(v, verb));
	assert_true(slice_is(a, argument));
}

static void
test_commands(void **state)
{
	(void)state;
	split("QUIT", "QUIT", "");
	split("MAIL FROM:<a@b> ", "MAIL", "FROM:<a@b>");
	split(" QUIT", "", "QUIT");
	split("", "", "");
	assert_non_null(command_find(slice_of("ehlo")));
	assert_null(command_find(slice_of("ehl")));
	assert_null(command_find(slice_of("")));
	assert_null(command_find(slice_make("EHLO\0", 5)));
}

static void
test_received(void **state)
{
	(void)state;
	static struct session s;
	static const struct config config = {.hostname = "mx.example.org", .received_client = true};
	s.config = &config;
	s.esmtp = s.encrypted = true;
	snprintf(s.helo, sizeof s.helo, "%s", "a)(b\\;<x>");
	snprintf(s.tls.version, sizeof s.tls.version, "%s", "TLSv1.3");
	snprintf(s.tls.cipher, sizeof s.tls.cipher, "%s", "TLS_AES_256_GCM_SHA384");
	snprintf(s.login_name, sizeof s.login_name, "%s", "anna");
	snprintf(s.envelope.queue_id, sizeof s.envelope.queue_id, "%s", "Q7");
	assert_true(ip_parse(&s.peer.ip, slice_of("2001:db8::1")));
	peer_set(&s.peer, s.peer.ip);
	s.envelope.recipients = STR_MOST(100);
	str_append(&s.envelope.recipients, "anna@example.org", sizeof "anna@example.org");
	s.envelope.recipient_count = 1;
	struct str line = STR_MOST(RECEIVED_MOST);
	assert_true(received_print(&line, &s, 1795226400));
	assert_string_equal(str_text(&line),
	    "Received: from a??b???x? ([IPv6:2001:db8::1])\r\n"
	    "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)\r\n"
	    "\tby mx.example.org (Postern) with ESMTPSA id Q7\r\n"
	    "\tfor <anna@example.org>;\r\n"
	    "\tSat, 21 Nov 2026 02:00:00 +0000\r\n");
	str_free(&line);
	str_free(&s.envelope.recipients);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_hops),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_received),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
