#include <string.h>

#include "lib/base/cursor.h"
#include "lib/front/proxy.h"

#define HEAD          16  /* of version 2: signature, version and command, family, length */
#define UNIX_ADDRESS  108
#define TYPE_CHECKSUM 3

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
static const char keyword[] = "PROXY ";

static enum proxy_result
wrong(struct proxy_header *h, const char *problem)
{
	h->problem = problem;
	return PROXY_WRONG;
}

/* --- version 1: a line of text -------------------------------------------------------- */

/* Without a zone, and of the family that the header names. */
static bool
take_address(struct cursor *c, bool six, struct ip *ip)
{
	struct slice text;
	if (!slice_split(&c->rest, ' ', &text) || slice_has(text, '%') || slice_has(text, ':') != six)
		return false;
	return ip_parse(ip, text);
}

static bool
take_port(struct cursor *c, uint16_t *port)
{
	uint64_t number;
	if (!cursor_take_number(c, UINT16_MAX, &number))
		return false;
	*port = (uint16_t)number;
	return true;
}

static enum proxy_result
parse_fields(struct slice line, struct proxy_header *h)
{
	struct cursor c = cursor_over(slice_from(line, sizeof keyword - 1));
	struct slice family;
	if (!slice_split(&c.rest, ' ', &family))
		return wrong(h, "no address family");
	if (slice_is(family, "UNKNOWN"))
		return PROXY_LOCAL;
	bool six = slice_is(family, "TCP6");
	if (!six && !slice_is(family, "TCP4"))
		return wrong(h, "an unknown address family");
	if (!take_address(&c, six, &h->client) || !take_address(&c, six, &h->server) || !take_port(&c, &h->client_port) ||
	    !cursor_take(&c, ' ') || !take_port(&c, &h->server_port) || !cursor_at_end(&c))
		return wrong(h, "not two addresses and two ports");
	return PROXY_CLIENT;
}

static enum proxy_result
parse_line(struct slice bytes, struct proxy_header *h)
{
	struct slice line = slice_first(bytes, PROXY_LINE_MOST);
	size_t end = slice_find(line, '\r');
	if (slice_find(line, '\n') < end)
		return wrong(h, "the line does not end in CRLF");
	if (end + 1 >= line.len)
		return line.len < PROXY_LINE_MOST ? PROXY_MORE : wrong(h, "the line is too long");
	if (line.data[end + 1] != '\n')
		return wrong(h, "the line does not end in CRLF");
	h->len = end + 2;
	return parse_fields(slice_first(line, end), h);
}

/* --- version 2: bytes ------------------------------------------------------------------ */

static unsigned
byte_at(struct slice s, size_t at)
{
	return (unsigned char)s.data[at];
}

static unsigned
two_bytes_at(struct slice s, size_t at)
{
	return byte_at(s, at) << 8 | byte_at(s, at + 1);
}

/* CRC-32C (RFC 9260 appendix A) of the header with the four bytes at `hole` as zeros. */
static uint32_t
checksum(struct slice header, size_t hole)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < header.len; i++) {
		crc ^= i >= hole && i < hole + 4 ? 0 : byte_at(header, i);
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static bool
checksum_fits(struct slice header, size_t at)
{
	uint32_t said = (uint32_t)two_bytes_at(header, at) << 16 | two_bytes_at(header, at + 2);
	return said == checksum(header, at);
}

/* What is behind the addresses: type, two bytes of length, value. NULL, or what is wrong. */
static const char *
check_extras(struct slice header, size_t at)
{
	while (at < header.len) {
		if (header.len - at < 3 || header.len - at - 3 < two_bytes_at(header, at + 1))
			return "an extra field runs past the end";
		size_t len = two_bytes_at(header, at + 1);
		if (byte_at(header, at) == TYPE_CHECKSUM && (len != 4 || !checksum_fits(header, at + 3)))
			return "the checksum does not fit";
		at += 3 + len;
	}
	return NULL;
}

static enum proxy_result
take_addresses(struct slice header, size_t size, struct proxy_header *h)
{
	h->client = ip_of(header.data + HEAD, size);
	h->server = ip_of(header.data + HEAD + size, size);
	h->client_port = (uint16_t)two_bytes_at(header, HEAD + 2 * size);
	h->server_port = (uint16_t)two_bytes_at(header, HEAD + 2 * size + 2);
	return PROXY_CLIENT;
}

static enum proxy_result
parse_client(struct slice header, struct proxy_header *h)
{
	static const size_t lengths[] = {0, 2 * 4 + 4, 2 * 16 + 4, 2 * UNIX_ADDRESS};
	unsigned family = byte_at(header, 13) >> 4, kind = byte_at(header, 13) & 15;
	if (family >= sizeof lengths / sizeof *lengths || kind > 2)
		return wrong(h, "an unknown address family");
	/* Of an unspecified family nothing is known, neither how long its addresses are. */
	if (family == 0)
		return PROXY_LOCAL;
	if (header.len < HEAD + lengths[family])
		return wrong(h, "too short for its addresses");
	const char *problem = check_extras(header, HEAD + lengths[family]);
	if (problem != NULL)
		return wrong(h, problem);
	return family == 3 || kind != 1 ? PROXY_LOCAL : take_addresses(header, family == 1 ? 4 : 16, h);
}

static enum proxy_result
parse_binary(struct slice bytes, struct proxy_header *h)
{
	if (bytes.len < HEAD)
		return PROXY_MORE;
	if (byte_at(bytes, 12) != 0x20 && byte_at(bytes, 12) != 0x21)
		return wrong(h, "an unknown version or command");
	h->len = HEAD + two_bytes_at(bytes, 14);
	if (h->len > PROXY_HEADER_MOST)
		return wrong(h, "the header is too long");
	if (bytes.len < h->len)
		return PROXY_MORE;
	return byte_at(bytes, 12) == 0x20 ? PROXY_LOCAL : parse_client(slice_first(bytes, h->len), h);
}

/* --- which one ------------------------------------------------------------------------- */

static bool
agrees(struct slice bytes, const char *beginning, size_t len)
{
	return bytes.len == 0 || memcmp(bytes.data, beginning, bytes.len < len ? bytes.len : len) == 0;
}

enum proxy_result
proxy_parse(struct slice bytes, struct proxy_header *h)
{
	*h = (struct proxy_header){.problem = ""};
	if (bytes.len == 0)
		return PROXY_MORE;
	if (agrees(bytes, signature, sizeof signature - 1))
		return parse_binary(bytes, h);
	if (!agrees(bytes, keyword, sizeof keyword - 1))
		return wrong(h, "it begins otherwise");
	return bytes.len < sizeof keyword ? PROXY_MORE : parse_line(bytes, h);
}
