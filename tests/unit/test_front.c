/* lib/front: who the client is, lines of SMTP, neighbours, and the way to a session; each against bad ends, too. */
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

#include "lib/base/host.h"
#include "lib/front/chunk.h"
#include "lib/front/handover.h"
#include "lib/front/neighbour.h"
#include "lib/front/peer.h"
#include "lib/front/smtp_line.h"
#include "lib/ipc/socket.h"

static void
test_peer(void **state)
{
	(void)state;
	struct peer p;
	struct ip ip;
	assert_true(ip_parse(&ip, slice_of("::ffff:192.0.2.1")));
	peer_set(&p, ip);
	assert_string_equal(p.text, "192.0.2.1");
	assert_int_equal(p.ip.len, 4);
	assert_true(ip_parse(&ip, slice_of("fe80:0:0::1%eth0")));
	peer_set(&p, ip);
	assert_string_equal(p.text, "fe80::1");
	assert_false(ip_parse(&ip, slice_of("")));
	assert_false(ip_parse(&ip, slice_of("192.0.2.256")));
	assert_false(ip_parse(&ip, slice_make("192.0.2.1\0", 10)));
	char longer[100];
	memset(longer, '1', sizeof longer);
	assert_false(ip_parse(&ip, slice_make(longer, sizeof longer)));
}

static void
test_peer_of_the_environment(void **state)
{
	(void)state;
	struct peer p;
	setenv("TCPREMOTEIP", "2001:db8::7", 1);
	setenv("TCPREMOTEHOST", "host.example", 1);
	peer_find(&p, 0);
	assert_string_equal(p.text, "2001:db8::7");
	assert_string_equal(p.name, "host.example");
	setenv("TCPREMOTEHOST", "a) by (evil", 1);
	peer_find(&p, 0);
	assert_string_equal(p.name, "");
	setenv("TCPREMOTEIP", "nonsense", 1);
	peer_find(&p, -1);
	assert_string_equal(p.text, "unknown");
	unsetenv("TCPREMOTEIP");
	unsetenv("TCPREMOTEHOST");
}

static void
test_host(void **state)
{
	(void)state;
	char kernels[256] = "";
	gethostname(kernels, sizeof kernels - 1);
	assert_string_equal(host_name(), kernels);
	host_setting = "mail.example.test";
	assert_string_equal(host_name(), "mail.example.test");
	host_setting = "";
}

/* --- lines of SMTP ------------------------------------------------------------------ */

static struct input in;

/* Reads from a client that says `text` and goes. */
static void
hear(const char *text, size_t len)
{
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	int room = 1 << 20;
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	assert_int_equal(send(fds[0], text, len, MSG_DONTWAIT), len);
	close(fds[0]);
	input_open(&in, fds[1], 1000);
}

static void
expect_line(const char *text)
{
	struct slice line;
	const char *problem;
	assert_int_equal(smtp_line_read(&in, 20, &line, &problem), INPUT_OK);
	assert_null(problem);
	assert_true(slice_is(line, text));
}

static void
expect_problem(const char *part)
{
	struct slice line;
	const char *problem;
	assert_int_equal(smtp_line_read(&in, 20, &line, &problem), INPUT_OK);
	assert_non_null(problem);
	assert_non_null(strstr(problem, part));
}

static void
test_smtp_lines(void **state)
{
	(void)state;
	static const char text[] = "NOOP\r\n\r\nbare\na\rb\r\nnu\0l\r\n12345678901234567890 too long\r\nQUIT\r\nhalf";
	struct slice line;
	const char *problem;
	hear(text, sizeof text - 1);
	expect_line("NOOP");
	expect_line("");
	expect_problem("CRLF");
	expect_problem("CR within");
	expect_problem("NUL");
	expect_problem("too long");
	expect_line("QUIT");
	assert_int_equal(smtp_line_read(&in, 20, &line, &problem), INPUT_END);
	close(in.fd);
}

static void
test_a_line_without_an_end(void **state)
{
	(void)state;
	static char endless[100000];
	struct slice line;
	const char *problem;
	memset(endless, 'x', sizeof endless);
	hear(endless, sizeof endless);
	assert_int_equal(smtp_line_read(&in, 20, &line, &problem), INPUT_TOO_LONG);
	close(in.fd);
}

/* --- neighbours ---------------------------------------------------------------------- */

static struct packet packet;

/* A neighbour whose answer lies in the socket before it is asked. */
static struct neighbour
neighbour_saying(const char *status, const char *tag, int ends[2])
{
	assert_true(socket_pair(ends));
	packet_begin(&packet, status);
	packet_add_text(&packet, tag);
	packet_add_text(&packet, "fact");
	assert_int_equal(packet_send(ends[1], &packet), PACKET_OK);
	return (struct neighbour){.name = "authd/lookup", .socket = ends[0]};
}

static void
test_a_neighbour_answers(void **state)
{
	(void)state;
	int ends[2];
	struct neighbour n = neighbour_saying("ok", "1", ends);
	neighbour_begin(&n, &packet, "rcpt");
	packet_add_text(&packet, "anna@example.test");
	const char *status = neighbour_ask(&n, &packet, 1000);
	assert_non_null(status);
	assert_string_equal(status, "ok");
	assert_string_equal(packet_field(&packet), "fact");
	assert_false(n.lost);
	close(ends[0]);
	close(ends[1]);
}

static void
test_a_neighbour_is_lost(void **state)
{
	(void)state;
	static const char *const tags[] = {"2", "0", "", "x", "1 "};
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		int ends[2];
		struct neighbour n = neighbour_saying("ok", tags[i], ends);
		neighbour_begin(&n, &packet, "rcpt");
		assert_null(neighbour_ask(&n, &packet, 1000));
		assert_true(n.lost);
		assert_int_equal(n.socket, -1);
		/* And stays lost. */
		neighbour_begin(&n, &packet, "rcpt");
		assert_null(neighbour_ask(&n, &packet, 1000));
		assert_false(neighbour_send(&n, &packet, 1000));
		close(ends[1]);
	}
}

/* --- the way to a session -------------------------------------------------------------- */

static void
put_request(size_t fields, const char *id, const char *command, bool client)
{
	const char *const all[] = {id, "ticket", command, "192.0.2.1", "tls", "aGVsbG8="};
	packet_begin(&packet, "session");
	for (size_t i = 0; i < fields; i++)
		packet_add_text(&packet, all[i]);
	if (client)
		packet_add_descriptor(&packet, STDIN_FILENO);
}

/* The packet as it comes out at the other end. */
static bool
read_request(struct handover *h)
{
	int ends[2];
	assert_true(socket_pair(ends));
	assert_int_equal(packet_send(ends[0], &packet), PACKET_OK);
	assert_int_equal(packet_receive(ends[1], &packet), PACKET_OK);
	bool ok = handover_read(&packet, h);
	packet_close_descriptors(&packet);
	close(ends[0]);
	close(ends[1]);
	return ok;
}

static void
test_handover(void **state)
{
	(void)state;
	struct handover h;
	put_request(6, "abcd", "a1", true);
	assert_true(read_request(&h));
	assert_string_equal(h.id, "abcd");
	assert_string_equal(h.ticket, "ticket");
	assert_true(slice_is(h.command, "a1"));
	assert_string_equal(h.address, "192.0.2.1");
	assert_true(h.encrypted);
	input_open(&in, h.client, 1000);
	assert_true(handover_read_ahead(&h, &in));
	assert_true(slice_is(input_buffered(&in), "hello"));
	close(h.client);
}

static void
test_a_wrong_handover(void **state)
{
	(void)state;
	struct handover h;
	char longer[1026];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	for (size_t fields = 0; fields < 6; fields++) {
		put_request(fields, "abcd", "a1", true);
		assert_false(read_request(&h));
	}
	put_request(6, "abcd", "a1", false);
	assert_false(read_request(&h));
	put_request(6, longer, "a1", true);
	assert_false(read_request(&h));
	put_request(6, "abcd", longer, true);
	assert_false(read_request(&h));
	packet_begin(&packet, "redeem");
	assert_false(read_request(&h));
}

static void
test_handover_of_what_was_read_ahead(void **state)
{
	(void)state;
	/* A whole buffer fits; more, or what is no base64, does not. */
	static char most[STREAM_BUFFER + 3];
	struct handover h = {.read_ahead = most};
	memset(most, 'A', sizeof most - 1);
	input_open(&in, 0, 1000);
	assert_false(handover_read_ahead(&h, &in));
	assert_int_equal(input_buffered(&in).len, 0);
	h.read_ahead = "%%%%";
	assert_false(handover_read_ahead(&h, &in));
	assert_int_equal(input_buffered(&in).len, 0);
	h.read_ahead = "";
	assert_true(handover_read_ahead(&h, &in));
}

/* What the front sends is what the daemon reads. */
static void
test_handover_there_and_back(void **state)
{
	(void)state;
	int ends[2];
	struct handover h = {.id = "abcd", .ticket = "t", .command = slice_of(""), .address = "unknown", .client = STDIN_FILENO}, got;
	assert_true(socket_pair(ends));
	packet_begin(&packet, "ok");
	packet_add_text(&packet, "abcd");
	assert_int_equal(packet_send(ends[1], &packet), PACKET_OK);
	hear("a whole command\r\nand half", 25);
	assert_int_equal(input_fill(&in), INPUT_OK);
	assert_int_equal(handover_send(ends[0], "pop3/session", &h, &in), HANDOVER_TAKEN);
	close(in.fd);
	assert_int_equal(packet_receive(ends[1], &packet), PACKET_OK);
	assert_true(handover_read(&packet, &got));
	assert_false(got.encrypted);
	assert_int_equal(got.command.len, 0);
	assert_true(handover_read_ahead(&got, &in));
	assert_true(slice_is(input_buffered(&in), "a whole command\r\nand half"));
	close(got.client);
	packet_begin(&packet, "later");
	assert_int_equal(packet_send(ends[1], &packet), PACKET_OK);
	assert_int_equal(handover_send(ends[0], "pop3/session", &h, &in), HANDOVER_REFUSED);
	assert_int_equal(handover_send(-1, "pop3/session", &h, &in), HANDOVER_REFUSED);
	close(ends[1]);
	assert_int_equal(handover_send(ends[0], "pop3/session", &h, &in), HANDOVER_REFUSED);
	close(ends[0]);
}

/* RFC 3030 section 2: chunk-size is 1 to 20 digits, and nothing but LAST stands behind it. */
static void
test_chunk(void **state)
{
	static const char *const wrong[] = {"", "x", "-1", "1x", "1 FIRST", "1 LAST x", "LAST", "18446744073709551616", "000000000000000000001"};
	struct chunk c;
	(void)state;
	assert_true(chunk_parse(slice_of("86"), &c) && c.size == 86 && !c.last);
	assert_true(chunk_parse(slice_of("0 last "), &c) && c.size == 0 && c.last);
	assert_true(chunk_parse(slice_of("18446744073709551615 LAST"), &c) && c.size == UINT64_MAX && c.last);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(chunk_parse(slice_of(wrong[i]), &c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunk),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_peer_of_the_environment),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_smtp_lines),
		cmocka_unit_test(test_a_line_without_an_end),
		cmocka_unit_test(test_a_neighbour_answers),
		cmocka_unit_test(test_a_neighbour_is_lost),
		cmocka_unit_test(test_handover),
		cmocka_unit_test(test_a_wrong_handover),
		cmocka_unit_test(test_handover_of_what_was_read_ahead),
		cmocka_unit_test(test_handover_there_and_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
