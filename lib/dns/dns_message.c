#include <string.h>

#include "lib/dns/dns.h"
#include "lib/mail/address.h"
#include "lib/mail/idna.h"

#define HEADER_LEN 12
#define LABEL_MOST 63
#define JUMPS_MOST 32 /* compression pointers in one name */
#define CLASS_IN   1
#define ALIASES_MOST 16 /* one behind the other */

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

/* The labels of a name in ASCII; 0 when it is none. */
static size_t
put_labels(unsigned char *at, struct slice rest)
{
	struct slice label;
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

/* The labels of a name; 0 when it is none. DNS has A-labels only (RFC 5890), whoever asks. */
static size_t
put_name(unsigned char *at, const char *name)
{
	struct str ascii = STR_MOST(IDNA_NAME_MOST);
	if (address_is_ascii(slice_of(name)))
		return put_labels(at, slice_of(name));
	size_t len = idna_to_ascii(slice_of(name), &ascii) ? put_labels(at, str_slice(&ascii)) : 0;
	str_free(&ascii);
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

bool
dns_read_txt(struct slice data, struct dns_txt *record)
{
	record->len = 0;
	while (data.len > 0) {
		size_t len = (unsigned char)data.data[0];
		if (len > data.len - 1 || len > sizeof record->text - record->len)
			return false;
		memcpy(record->text + record->len, data.data + 1, len);
		record->len += len;
		data = slice_from(data, 1 + len);
	}
	return true;
}

/* One record of the answer section. */
struct record {
	char              owner[DNS_NAME_MOST + 1]; /* "": a name that no host has */
	unsigned          type, class;
	struct dns_record content;
};

static bool
read_record(struct slice answer, size_t *at, struct record *r)
{
	size_t name = *at;
	if (!dns_read_name(answer, &name, r->owner))
		r->owner[0] = '\0';
	if (!skip_name(answer, at) || *at + 10 > answer.len)
		return false;
	r->type = number_at(answer, *at);
	r->class = number_at(answer, *at + 2);
	size_t len = number_at(answer, *at + 8);
	*at += 10;
	if (len > answer.len - *at)
		return false;
	r->content = (struct dns_record){slice_make(answer.data + *at, len), *at};
	*at += len;
	return true;
}

/* The records of one name; `name` becomes what it is an alias of when there are none and it is one. False: malformed. */
static bool
collect(struct slice answer, size_t at, char name[DNS_NAME_MOST + 1], unsigned type, struct dns_record *records, size_t *count)
{
	struct record r;
	char target[DNS_NAME_MOST + 1] = "";
	for (unsigned left = number_at(answer, 6); left > 0; left--) {
		if (!read_record(answer, &at, &r))
			return false;
		if (r.class != CLASS_IN || strcmp(r.owner, name) != 0)
			continue;
		size_t alias = r.content.offset;
		if (r.type == type && *count < DNS_RECORDS_MOST)
			records[(*count)++] = r.content;
		else if (r.type == DNS_TYPE_CNAME && !dns_read_name(answer, &alias, target))
			return false;
	}
	if (*count == 0)
		memcpy(name, target, sizeof target);
	return true;
}

enum dns_result
dns_read_answer(struct slice answer, enum dns_type type, struct dns_record *records, size_t *count)
{
	char name[DNS_NAME_MOST + 1];
	size_t at = HEADER_LEN;
	*count = 0;
	if (answer.len < HEADER_LEN)
		return DNS_TROUBLE;
	unsigned code = (unsigned char)answer.data[3] & 15;
	if (code == 3)
		return DNS_NO_NAME;
	if (code != 0 || !dns_read_name(answer, &at, name))
		return DNS_TROUBLE;
	/* Each round goes one alias further; those that point at each other end with no records. */
	for (int aliases = 0; *count == 0 && name[0] != '\0' && aliases <= ALIASES_MOST; aliases++)
		if (!collect(answer, at + 4, name, (unsigned)type, records, count))
			return DNS_TROUBLE;
	return *count > 0 ? DNS_FOUND : name[0] != '\0' ? DNS_TROUBLE : DNS_NO_DATA;
}
