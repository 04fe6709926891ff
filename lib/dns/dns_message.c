#include <string.h>

#include "lib/dns/dns.h"

#define HEADER_LEN 12
#define LABEL_MOST 63
#define JUMPS_MOST 32 /* compression pointers in one name */
#define CLASS_IN   1

static unsigned
number_at(struct slice s, size_t at)
{
	return (unsigned)(unsigned char)s.data[at] << 8 | (unsigned char)s.data[at + 1];
}

static void
put_number(unsigned char *at, unsigned number)
{
	at[0] = (unsigned char)(number >> 8);
	at[1] = (unsigned char)number;
}

/* The labels of a name; 0 when it is none. */
static size_t
put_name(unsigned char *at, const char *name)
{
	struct slice rest = slice_of(name), label;
	size_t len = 0;
	if (slice_ends(rest, "."))
		rest = slice_first(rest, rest.len - 1);
	if (rest.len == 0 || rest.len > DNS_NAME_MOST - 2)
		return 0;
	while (slice_split(&rest, '.', &label)) {
		if (label.len == 0 || label.len > LABEL_MOST)
			return 0;
		at[len++] = (unsigned char)label.len;
		memcpy(at + len, label.data, label.len);
		len += label.len;
	}
	at[len++] = 0;
	return len;
}

size_t
dns_build_query(unsigned char query[DNS_QUERY_MOST], uint16_t id, const char *name, enum dns_type type)
{
	memset(query, 0, HEADER_LEN);
	put_number(query, id);
	query[2] = 1; /* recursion desired */
	query[3] = 0x20; /* we understand AD, so an answer may bear it: RFC 6840 section 5.7 */
	query[5] = 1; /* one question */
	size_t len = put_name(query + HEADER_LEN, name);
	if (len == 0)
		return 0;
	put_number(query + HEADER_LEN + len, type);
	put_number(query + HEADER_LEN + len + 2, CLASS_IN);
	return HEADER_LEN + len + 4;
}

bool
dns_is_answer(struct slice query, struct slice answer)
{
	if (answer.len < query.len || number_at(answer, 0) != number_at(query, 0) || (answer.data[2] & 0x80) == 0 ||
	    number_at(answer, 4) != 1)
		return false;
	return slice_equal_nocase(slice_from(query, HEADER_LEN), slice_from(slice_first(answer, query.len), HEADER_LEN));
}

bool
dns_is_cut(struct slice answer)
{
	return (answer.data[2] & 0x02) != 0;
}

bool
dns_is_authentic(struct slice answer)
{
	return (answer.data[3] & 0x20) != 0;
}

bool
dns_read_tlsa(struct slice data, struct dns_tlsa *record)
{
	if (data.len < 4 || data.len - 3 > DNS_TLSA_MOST)
		return false;
	const unsigned char *bytes = (const unsigned char *)data.data;
	record->usage = bytes[0];
	record->selector = bytes[1];
	record->matching = bytes[2];
	record->len = data.len - 3;
	memcpy(record->data, bytes + 3, record->len);
	return true;
}

static bool
append_label(char *name, size_t *len, struct slice label)
{
	if (*len + label.len + 1 > DNS_NAME_MOST)
		return false;
	if (*len > 0)
		name[(*len)++] = '.';
	for (size_t i = 0; i < label.len; i++) {
		int c = (unsigned char)label.data[i];
		/* No host has these in its name; what has is not passed on. */
		if (c <= ' ' || c >= 0x7f || c == '.')
			return false;
		name[(*len)++] = (char)ascii_lower(c);
	}
	return true;
}

bool
dns_read_name(struct slice message, size_t *offset, char name[DNS_NAME_MOST + 1])
{
	size_t at = *offset, len = 0;
	bool jumped = false;
	for (int jumps = 0; at < message.len;) {
		size_t label = (unsigned char)message.data[at++];
		if (label >= 0xc0) {
			if (at >= message.len || ++jumps > JUMPS_MOST)
				return false;
			size_t target = (label & 0x3f) << 8 | (unsigned char)message.data[at++];
			*offset = jumped ? *offset : at;
			jumped = true;
			at = target;
			continue;
		}
		if (label > LABEL_MOST || label > message.len - at)
			return false;
		if (label == 0) {
			*offset = jumped ? *offset : at;
			name[len] = '\0';
			return true;
		}
		if (!append_label(name, &len, slice_make(message.data + at, label)))
			return false;
		at += label;
	}
	return false;
}

/* Moves behind a name without reading it. */
static bool
skip_name(struct slice message, size_t *offset)
{
	while (*offset < message.len) {
		size_t label = (unsigned char)message.data[(*offset)++];
		if (label == 0)
			return true;
		if (label >= 0xc0)
			return ++*offset <= message.len;
		*offset += label;
	}
	return false;
}

enum dns_result
dns_read_answer(struct slice answer, enum dns_type type, struct dns_record *records, size_t *count)
{
	size_t at = HEADER_LEN, found = 0;
	*count = 0;
	if (answer.len < HEADER_LEN)
		return DNS_TROUBLE;
	unsigned code = (unsigned char)answer.data[3] & 15;
	if (code == 3)
		return DNS_NO_NAME;
	if (code != 0 || !skip_name(answer, &at))
		return DNS_TROUBLE;
	at += 4;
	for (unsigned left = number_at(answer, 6); left > 0; left--) {
		if (!skip_name(answer, &at) || at + 10 > answer.len)
			return DNS_TROUBLE;
		unsigned record_type = number_at(answer, at), class = number_at(answer, at + 2);
		size_t len = number_at(answer, at + 8);
		at += 10;
		if (len > answer.len - at)
			return DNS_TROUBLE;
		if (record_type == (unsigned)type && class == CLASS_IN && found < DNS_RECORDS_MOST)
			records[found++] = (struct dns_record){slice_make(answer.data + at, len), at};
		at += len;
	}
	*count = found;
	return found > 0 ? DNS_FOUND : DNS_NO_DATA;
}
