/* lib/front/proxy.h: the PROXY protocol, both versions, whole, cut and wrong; and that not a byte more is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/log.h"
#include "lib/front/proxy.h"

#define BYTES(text) slice_make(text, sizeof(text) - 1)
#define SIGNATURE   "\r\n\r\n\0\r\nQUIT\n"
/* 192.0.2.1:56324 came to 198.51.100.2:25. */
#define FOUR "\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x00\x19"
#define SIX  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x08\xdc\x04\x00\x19"

static const char sixteen[] = "0123456789abcdef";

/* All its beginnings want more, whatever follows does not count. */
static void
check(struct slice header, enum proxy_result expected, struct proxy_header *h)
{
	char longer[1024];
	for (size_t len = 0; len < header.len; len++)
		assert_int_equal(proxy_parse(slice_first(header, len), h), PROXY_MORE);
	memcpy(longer, header.data, header.len);
	memcpy(longer + header.len, sixteen, 16);
	assert_int_equal(proxy_parse(slice_make(longer, header.len + 16), h), expected);
	assert_int_equal(h->len, header.len);
}

static void
check_is(struct slice header, const char *client, unsigned port)
{
	struct proxy_header h;
	struct ip ip;
	check(header, PROXY_CLIENT, &h);
	assert_true(ip_parse(&ip, slice_of(client)));
	assert_int_equal(h.client.len, ip.len);
	assert_memory_equal(h.client.bytes, ip.bytes, ip.len);
	assert_int_equal(h.client_port, port);
	assert_int_equal(h.server_port, 25);
}

static void
version_1(void **state)
{
	(void)state;
	struct proxy_header h;
	check_is(BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\n"), "192.0.2.1", 56324);
	check_is(BYTES("PROXY TCP6 2001:db8::7 2001:db8::8 56324 25\r\n"), "2001:db8::7", 56324);
	check_is(BYTES("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::8 56324 25\r\n"), "192.0.2.1", 56324);
	check(BYTES("PROXY UNKNOWN\r\n"), PROXY_LOCAL, &h);
	check(BYTES("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"), PROXY_LOCAL, &h);
}

static void
version_2(void **state)
{
	(void)state;
	struct proxy_header h;
	check_is(BYTES(SIGNATURE "\x21\x11\x00\x0c" FOUR), "192.0.2.1", 56324);
	check_is(BYTES(SIGNATURE "\x21\x21\x00\x24" SIX), "2001:db8::7", 56324);
	check_is(BYTES(SIGNATURE "\x21\x11\x00\x13" FOUR "\x04\x00\x00\xea\x00\x01x"), "192.0.2.1", 56324);
	check(BYTES(SIGNATURE "\x20\x00\x00\x00"), PROXY_LOCAL, &h);
	check(BYTES(SIGNATURE "\x20\xff\x00\x03" "abc"), PROXY_LOCAL, &h); /* all of LOCAL is passed over */
	check(BYTES(SIGNATURE "\x21\x00\x00\x02" "xx"), PROXY_LOCAL, &h);
	check(BYTES(SIGNATURE "\x21\x12\x00\x0c" FOUR), PROXY_LOCAL, &h);
}

static void
a_unix_client_has_no_address(void **state)
{
	(void)state;
	struct proxy_header h;
	char bytes[16 + 216] = SIGNATURE "\x21\x31\x00\xd8/run/client";
	check(slice_make(bytes, sizeof bytes), PROXY_LOCAL, &h);
}

/* RFC 9260's CRC32c over the header with its four bytes as zeros. */
static void
a_checksum_is_verified(void **state)
{
	(void)state;
	struct proxy_header h;
	static const char head[] = SIGNATURE "\x21\x11\x00\x13" FOUR "\x03\x00\x04";
	char bytes[sizeof head - 1 + 4];
	memcpy(bytes, head, sizeof head - 1);
	memcpy(bytes + sizeof head - 1, "\x46\x41\x4b\x45", 4);
	assert_int_equal(proxy_parse(slice_make(bytes, sizeof bytes), &h), PROXY_WRONG);
	assert_string_equal(h.problem, "the checksum does not fit");
	memcpy(bytes + sizeof head - 1, "\x7f\xab\x4a\xb2", 4);
	check(slice_make(bytes, sizeof bytes), PROXY_CLIENT, &h);
}

static void
what_is_wrong(void **state)
{
	(void)state;
	static const struct slice wrong[] = {
	    {"EHLO x\r\n", 8}, {"PROXX", 5}, {"proxy TCP4", 10}, {"PROXY\r\n", 7}, {"PROXY \r\n", 8}, {"PROXY TCP5 x\r\n", 14},
	    {"\r\n\r\n\r\n", 6}, {"\x16\x03\x01", 3}, {"PROXY UNKNOWN\n", 14}, {"PROXY UNKNOWN\rx", 15},
	};
	static const char *const lines[] = {
	    "PROXY TCP4 2001:db8::1 198.51.100.2 1 25\r\n", "PROXY TCP6 192.0.2.1 198.51.100.2 1 25\r\n",
	    "PROXY TCP4 192.0.2.1 198.51.100.2 65536 25\r\n", "PROXY TCP4 192.0.2.1 198.51.100.2 -1 25\r\n",
	    "PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n", "PROXY TCP4 192.0.2.1 198.51.100.2 1 25 \r\n",
	    "PROXY TCP4  192.0.2.1 198.51.100.2 1 25\r\n", "PROXY TCP4 192.0.2.256 198.51.100.2 1 25\r\n",
	    "PROXY TCP6 fe80::1%eth0 2001:db8::8 1 25\r\n", "PROXY TCP4\r\n",
	};
	struct proxy_header h;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(proxy_parse(wrong[i], &h), PROXY_WRONG);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_int_equal(proxy_parse(slice_of(lines[i]), &h), PROXY_WRONG);
}

static void
what_is_wrong_in_version_2(void **state)
{
	(void)state;
	static const struct slice wrong[] = {
	    {SIGNATURE "\x11\x11\x00\x0c" FOUR, 28}, {SIGNATURE "\x22\x11\x00\x0c" FOUR, 28}, {SIGNATURE "\x21\x41\x00\x0c" FOUR, 28},
	    {SIGNATURE "\x21\x13\x00\x0c" FOUR, 28}, {SIGNATURE "\x21\x11\x00\x0b" FOUR, 28}, {SIGNATURE "\x21\x21\x00\x0c" FOUR, 28},
	    {SIGNATURE "\x21\x11\xff\xff", 16}, {SIGNATURE "\x21\x11\x00\x0e" FOUR "\x04\x00", 30},
	    {SIGNATURE "\x21\x11\x00\x10" FOUR "\x04\x00\x02x", 32}, {SIGNATURE "\x21\x11\x00\x11" FOUR "\x03\x00\x02xx", 33},
	};
	struct proxy_header h;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(proxy_parse(wrong[i], &h), PROXY_WRONG);
}

static void
a_line_ends_within_107_bytes(void **state)
{
	(void)state;
	struct proxy_header h;
	char line[120];
	memset(line, 'x', sizeof line);
	memcpy(line, "PROXY UNKNOWN ", 14);
	assert_int_equal(proxy_parse(slice_make(line, 106), &h), PROXY_MORE);
	assert_int_equal(proxy_parse(slice_make(line, 107), &h), PROXY_WRONG);
	memcpy(line + 105, "\r\n", 2);
	check(slice_make(line, 107), PROXY_LOCAL, &h);
	memcpy(line + 105, "x\r\n", 3);
	assert_int_equal(proxy_parse(slice_make(line, 108), &h), PROXY_WRONG);
}

/* --- reading --------------------------------------------------------------------------- */

/* What is left in the socket after the header was taken from it. */
static enum proxy_arrival
take(struct slice text, struct peer *p, char *left, size_t *len)
{
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(write(fds[0], text.data, text.len), text.len);
	close(fds[0]);
	*p = (struct peer){.text = "192.0.2.99", .name = "balancer.example"};
	assert_true(ip_parse(&p->ip, slice_of(p->text)));
	enum proxy_arrival a = proxy_take(fds[1], "192.0.2.0/24", p);
	ssize_t n = read(fds[1], left, 100);
	*len = n > 0 ? (size_t)n : 0;
	close(fds[1]);
	return a;
}

static void
not_a_byte_more_is_read(void **state)
{
	(void)state;
	struct peer p;
	char left[100];
	size_t len;
	assert_int_equal(take(BYTES("PROXY TCP4 203.0.113.5 198.51.100.2 56324 25\r\n\x16\x03"), &p, left, &len), PROXY_BEHIND);
	assert_string_equal(p.text, "203.0.113.5");
	assert_string_equal(p.name, "");
	assert_int_equal(p.port, 56324);
	assert_string_equal(p.local, "198.51.100.2");
	assert_int_equal(len, 2);
	assert_int_equal(take(BYTES(SIGNATURE "\x20\x00\x00\x00\x16\x03"), &p, left, &len), PROXY_ITSELF);
	assert_string_equal(p.text, "192.0.2.99");
	assert_int_equal(len, 2);
}

static void
none_or_half_a_header_is_broken(void **state)
{
	(void)state;
	struct peer p;
	char left[100];
	size_t len;
	log_set_level(LOG_ERROR + 1);
	assert_int_equal(take(BYTES("EHLO x\r\n"), &p, left, &len), PROXY_BROKEN);
	assert_int_equal(take(BYTES("PROXY TCP4 192.0"), &p, left, &len), PROXY_BROKEN);
	assert_int_equal(take(BYTES(""), &p, left, &len), PROXY_BROKEN);
}

static void
of_others_nothing_is_read(void **state)
{
	(void)state;
	struct peer p = {.text = "203.0.113.5"};
	assert_true(ip_parse(&p.ip, slice_of(p.text)));
	assert_int_equal(proxy_take(-1, "192.0.2.0/24", &p), PROXY_DIRECT);
	assert_int_equal(proxy_take(-1, "", &p), PROXY_DIRECT);
	log_set_level(LOG_ERROR + 1);
	assert_int_equal(proxy_take(-1, "192.0.2.0/24 some", &p), PROXY_SETTING_WRONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(version_1), cmocka_unit_test(version_2), cmocka_unit_test(a_unix_client_has_no_address),
	    cmocka_unit_test(a_checksum_is_verified), cmocka_unit_test(what_is_wrong), cmocka_unit_test(what_is_wrong_in_version_2),
	    cmocka_unit_test(a_line_ends_within_107_bytes), cmocka_unit_test(not_a_byte_more_is_read),
	    cmocka_unit_test(none_or_half_a_header_is_broken), cmocka_unit_test(of_others_nothing_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
