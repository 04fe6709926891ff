#include "lib/base/networks.h"

#include "lib/base/cursor.h"
#include "lib/base/number.h"

struct network {
	struct ip address;
	size_t    prefix; /* bits */
};

/* The part of `*text` before the slash, without brackets; `*text` becomes what is behind the slash. */
static struct slice
take_address(struct slice *text)
{
	size_t slash = slice_find(*text, '/');
	struct slice address = slice_first(*text, slash);
	*text = slice_from(*text, slash + 1);
	if (slice_starts(address, "[") && slice_ends(address, "]"))
		return slice_first(slice_from(address, 1), address.len - 2);
	return address;
}

static bool
bit(const uint8_t *bytes, size_t at)
{
	return bytes[at / 8] >> (7 - at % 8) & 1;
}

/* No bit behind the prefix may be set: "10.0.0.1/8" is a mistake for one address or for a network, nobody knows which. */
static bool
is_bounded(const struct network *n)
{
	for (size_t i = n->prefix; i < n->address.len * 8; i++)
		if (bit(n->address.bytes, i))
			return false;
	return n->prefix > 0;
}

static bool
parse(struct slice text, struct network *n)
{
	bool whole = !slice_has(text, '/');
	struct slice address = take_address(&text);
	uint64_t prefix;
	if (!ip_parse(&n->address, address) || slice_has(address, '%'))
		return false;
	n->prefix = n->address.len * 8;
	if (whole)
		return true;
	if (!number_parse(text, slice_has(address, ':') ? 128 : 32, &prefix))
		return false;
	/* A mapped address was made IPv4: its prefix counts from there. */
	size_t cut = slice_has(address, ':') ? 128 - n->prefix : 0;
	if (prefix < cut)
		return false;
	n->prefix = (size_t)prefix - cut;
	return true;
}

static bool
holds(const struct network *n, const struct ip *ip)
{
	if (ip->len != n->address.len)
		return false;
	for (size_t i = 0; i < n->prefix; i++)
		if (bit(n->address.bytes, i) != bit(ip->bytes, i))
			return false;
	return true;
}

static enum networks_answer
strict(struct slice entry, const struct ip *ip)
{
	struct network n;
	if (!parse(entry, &n) || !is_bounded(&n))
		return NETWORKS_WRONG;
	return holds(&n, ip) ? NETWORKS_YES : NETWORKS_NO;
}

static enum networks_answer
lenient(struct slice entry, const struct ip *ip)
{
	struct network n;
	if (slice_is_nocase(entry, "local"))
		return ip->len == 0 ? NETWORKS_YES : NETWORKS_NO;
	if (!parse(entry, &n))
		return NETWORKS_WRONG;
	return holds(&n, ip) ? NETWORKS_YES : NETWORKS_NO;
}

static bool
is_separator(int byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == ',';
}

static bool
is_entry(int byte)
{
	return !is_separator(byte);
}

static enum networks_answer
look(struct slice list, const struct ip *ip, struct slice *entry,
    enum networks_answer (*judge)(struct slice entry, const struct ip *ip))
{
	enum networks_answer answer = NETWORKS_NO;
	struct cursor c = cursor_over(list);
	for (;;) {
		cursor_take_while(&c, is_separator);
		if (cursor_at_end(&c))
			return answer;
		*entry = cursor_take_while(&c, is_entry);
		enum networks_answer one = judge(*entry, ip);
		if (one == NETWORKS_WRONG)
			return NETWORKS_WRONG;
		if (one == NETWORKS_YES)
			answer = NETWORKS_YES;
	}
}

enum networks_answer
networks_hold(struct slice list, const struct ip *ip, struct slice *entry)
{
	return look(list, ip, entry, strict);
}

enum networks_answer
networks_allow(struct slice list, const struct ip *ip, struct slice *entry)
{
	return look(list, ip, entry, lenient);
}
