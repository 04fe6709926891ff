#include "lib/dns/dns.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/random.h"
#include "lib/dns/dns_ask.h"

#define ROUNDS    3    /* times that each server is asked */
#define UDP_WAIT  3000 /* ms, doubled each round */
#define FILE_MOST (1u << 20)

static bool authentic; /* see dns_was_authentic() */

static enum dns_result
look_up(const struct dns *d, const char *name, enum dns_type type, struct dns_record *records, size_t *count, struct slice *answer)
{
	unsigned char query[DNS_QUERY_MOST];
	size_t len = dns_build_query(query, (uint16_t)random_number(), name, type);
	*count = 0;
	if (len == 0) {
		authentic = false;
		return DNS_NO_NAME;
	}
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < d->count; i++) {
			if (!dns_ask(&d->servers[i], slice_make((char *)query, len), UDP_WAIT << round, answer))
				continue;
			enum dns_result r = dns_read_answer(*answer, type, records, count);
			if (r == DNS_TROUBLE)
				continue;
			authentic = authentic && d->trusted && dns_is_authentic(*answer);
			return r;
		}
	/* No answer: addresses of the other kind are as authentic as they were, so that nobody takes that away by dropping a question. */
	return DNS_TROUBLE;
}

bool
dns_was_authentic(void)
{
	return authentic;
}

enum dns_result
dns_find_mx(const struct dns *d, const char *name, struct dns_mx *found, size_t *count)
{
	struct dns_record records[DNS_RECORDS_MOST];
	struct slice answer;
	size_t there, kept = 0;
	authentic = true;
	enum dns_result r = look_up(d, name, DNS_TYPE_MX, records, &there, &answer);
	for (size_t i = 0; i < there; i++) {
		size_t at = records[i].offset + 2;
		if (records[i].data.len < 3 || !dns_read_name(answer, &at, found[kept].host))
			continue;
		const unsigned char *data = (const unsigned char *)records[i].data.data;
		found[kept++].preference = (uint16_t)(data[0] << 8 | data[1]);
	}
	*count = kept;
	return r == DNS_FOUND && kept == 0 ? DNS_TROUBLE : r;
}

static void
take_addresses(const struct dns_record *records, size_t there, uint16_t port, union dns_address *addresses, size_t *count)
{
	for (size_t i = 0; i < there && *count < DNS_RECORDS_MOST; i++) {
		union dns_address *a = &addresses[*count];
		memset(a, 0, sizeof *a);
		if (records[i].data.len == 4) {
			a->four.sin_family = AF_INET;
			a->four.sin_port = htons(port);
			memcpy(&a->four.sin_addr, records[i].data.data, 4);
		} else if (records[i].data.len == 16) {
			a->six.sin6_family = AF_INET6;
			a->six.sin6_port = htons(port);
			memcpy(&a->six.sin6_addr, records[i].data.data, 16);
		} else
			continue;
		(*count)++;
	}
}

static bool
line_names(struct slice line, const char *name, struct slice *address)
{
	struct slice word;
	line = slice_first(line, slice_find(line, '#'));
	bool first = true;
	while (line.len > 0) {
		size_t end = 0;
		while (end < line.len && line.data[end] != ' ' && line.data[end] != '\t')
			end++;
		word = slice_first(line, end);
		line = slice_from(line, end < line.len ? end + 1 : end);
		if (word.len == 0)
			continue;
		if (first)
			*address = word;
		else if (slice_is_nocase(word, name))
			return true;
		first = false;
	}
	return false;
}

static void
read_hosts(const char *name, uint16_t port, union dns_address *addresses, size_t *count)
{
	size_t len;
	char *text = file_read_whole(AT_FDCWD, "/etc/hosts", FILE_MOST, &len);
	struct slice rest = slice_make(text, text != NULL ? len : 0), line, address;
	while (*count < DNS_RECORDS_MOST && slice_split(&rest, '\n', &line))
		if (line_names(line, name, &address) && dns_address_parse(address, port, &addresses[*count]))
			(*count)++;
	free(text);
}

enum dns_result
dns_find_addresses(const struct dns *d, const char *name, uint16_t port, union dns_address *addresses, size_t *count)
{
	struct dns_record records[DNS_RECORDS_MOST];
	struct slice answer;
	size_t there;
	*count = 0;
	authentic = false;
	if (dns_address_parse(slice_of(name), port, &addresses[0])) {
		*count = 1;
		return DNS_FOUND;
	}
	read_hosts(name, port, addresses, count);
	if (*count > 0)
		return DNS_FOUND;
	authentic = true;
	enum dns_result six = look_up(d, name, DNS_TYPE_AAAA, records, &there, &answer);
	take_addresses(records, there, port, addresses, count);
	if (six == DNS_NO_NAME)
		return six;
	enum dns_result four = look_up(d, name, DNS_TYPE_A, records, &there, &answer);
	take_addresses(records, there, port, addresses, count);
	if (*count > 0)
		return DNS_FOUND;
	return six == DNS_TROUBLE || four == DNS_TROUBLE ? DNS_TROUBLE : four;
}

enum dns_result
dns_find_alias(const struct dns *d, const char *name, char target[DNS_NAME_MOST + 1])
{
	struct dns_record records[DNS_RECORDS_MOST];
	struct slice answer;
	size_t there;
	authentic = true;
	enum dns_result r = look_up(d, name, DNS_TYPE_CNAME, records, &there, &answer);
	if (r != DNS_FOUND)
		return r;
	size_t at = records[0].offset;
	return dns_read_name(answer, &at, target) && target[0] != '\0' ? DNS_FOUND : DNS_TROUBLE;
}

enum dns_result
dns_find_tlsa(const struct dns *d, const char *name, struct dns_tlsa *found, size_t *count)
{
	struct dns_record records[DNS_RECORDS_MOST];
	struct slice answer;
	size_t there;
	*count = 0;
	authentic = true;
	enum dns_result r = look_up(d, name, DNS_TYPE_TLSA, records, &there, &answer);
	for (size_t i = 0; i < there; i++)
		if (dns_read_tlsa(records[i].data, &found[*count]))
			(*count)++;
	/* Records that nobody can read may not look as if there were none; those that nobody signed are none (RFC 7672 section 2.2). */
	return r == DNS_FOUND && *count == 0 && authentic ? DNS_TROUBLE : r;
}
