#include "smtpd/networks.h"

#include "lib/base/cursor.h"
#include "lib/base/number.h"

struct network {
	struct peer address;
	size_t      prefix; /* bits */
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
	if (!peer_parse(&n->address, address) || slice_has(address, '%'))
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
	return is_bounded(n);
}

static bool
holds(const struct network *n, const struct peer *p)
{
	if (p->len != n->address.len)
		return false;
	for (size_t i = 0; i < n->prefix; i++)
		if (bit(n->address.bytes, i) != bit(p->bytes, i))
			return false;
	return true;
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

enum networks_answer
networks_hold(struct slice list, const struct peer *p, struct slice *entry)
{
	enum networks_answer answer = NETWORKS_NO;
	struct cursor c = cursor_over(list);
	for (;;) {
		cursor_take_while(&c, is_separator);
		if (cursor_at_end(&c))
			return answer;
		*entry = cursor_take_while(&c, is_entry);
		struct network n;
		if (!parse(*entry, &n))
			return NETWORKS_WRONG;
		if (holds(&n, p))
			answer = NETWORKS_YES;
	}
}
