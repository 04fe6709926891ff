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
	int rounds = d->rounds > 0 ? d->rounds : ROUNDS, wait = d->wait > 0 ? d->wait : UDP_WAIT;
	for (int round = 0; round < rounds; round++)
		for (size_t i = 0; i < d->count; i++) {
			if (!dns_ask(&d->servers[i], slice_make((char *)query, len), wait << round, answer))
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
read_hosts(const char *name, int family, uint16_t port, union dns_address *addresses, size_t *count)
{
	size_t len;
	char *text = file_read_whole(AT_FDCWD, "/etc/hosts", FILE_MOST, &len);
	struct slice rest = slice_make(text, text != NULL ? len : 0), line, address;
	while (*count < DNS_RECORDS_MOST && slice_split(&rest, '\n', &line))
		if (line_names(line, name, &address) && dns_address_parse(address, port, &addresses[*count]) &&
		    addresses[*count].any.sa_family == family)
			(*count)++;
	free(text);
}

struct families {
	size_t count;
	int    wanted[2];
};

static struct families
families_of(const struct dns *d)
{
	if (d->families[0] == 0)
		return (struct families){2, {AF_INET6, AF_INET}};
	return (struct families){d->families[1] != 0 ? 2 : 1, {d->families[0], d->families[1]}};
}

/* Both kinds are asked for: there are name servers that deny a whole name because it has no AAAA (RFC 4074). */
static enum dns_result
ask_addresses(const struct dns *d, const struct families *f, const char *name, uint16_t port, union dns_address *addresses, size_t *count)
{
	struct dns_record records[DNS_RECORDS_MOST];
	struct slice answer;
	enum dns_result results[2] = {DNS_NO_DATA, DNS_NO_DATA};
	size_t there;
	for (size_t i = 0; i < f->count; i++) {
		results[i] = look_up(d, name, f->wanted[i] == AF_INET6 ? DNS_TYPE_AAAA : DNS_TYPE_A, records, &there, &answer);
		if (i + 1 < f->count && there > DNS_RECORDS_MOST / 2)
			there = DNS_RECORDS_MOST / 2;
		take_addresses(records, there, port, addresses, count);
	}
	if (*count > 0)
		return DNS_FOUND;
	if (results[0] == DNS_TROUBLE || results[1] == DNS_TROUBLE)
		return DNS_TROUBLE;
	bool denied = results[0] == DNS_NO_NAME && (f->count == 1 || results[1] == DNS_NO_NAME);
	return denied ? DNS_NO_NAME : DNS_NO_DATA;
}

enum dns_result
dns_find_addresses(const struct dns *d, const char *name, uint16_t port, union dns_address *addresses, size_t *count)
{
	struct families f = families_of(d);
	*count = 0;
	authentic = false;
	if (dns_address_parse(slice_of(name), port, &addresses[0])) {
		*count = dns_has_family(d, addresses[0].any.sa_family) ? 1 : 0;
		return *count > 0 ? DNS_FOUND : DNS_NO_DATA;
	}
	for (size_t i = 0; i < f.count; i++)
		read_hosts(name, f.wanted[i], port, addresses, count);
	if (*count > 0)
		return DNS_FOUND;
	authentic = true;
	return ask_addresses(d, &f, name, port, addresses, count);
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

enum dns_result
dns_find_txt(const struct dns *d, const char *name, struct dns_txt *found, size_t *count)
{
	struct dns_record records[DNS_RECORDS_MOST];
	struct slice answer;
	size_t there;
	*count = 0;
	authentic = true;
	enum dns_result r = look_up(d, name, DNS_TYPE_TXT, records, &there, &answer);
	for (size_t i = 0; i < there; i++)
		if (dns_read_txt(records[i].data, &found[*count]))
			(*count)++;
	return r == DNS_FOUND && *count == 0 ? DNS_NO_DATA : r;
}
