#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/dns/dns.h"

#define DNS_PORT  53
#define FILE_MOST (1u << 20)

/* "127.0.0.1", "127.0.0.1:5353", "[::1]:5353" */
static bool
parse_server(struct slice text, union dns_address *a)
{
	uint64_t port = DNS_PORT;
	if (dns_address_parse(text, DNS_PORT, a))
		return true;
	size_t colon = slice_find_last(text, ':');
	struct slice host = slice_first(text, colon);
	if (slice_starts(host, "[") && slice_ends(host, "]"))
		host = slice_first(slice_from(host, 1), host.len - 2);
	if (colon < text.len && (!number_parse(slice_from(text, colon + 1), 65535, &port) || port == 0))
		return false;
	return dns_address_parse(host, (uint16_t)port, a);
}

static void
read_resolv_conf(struct dns *d)
{
	size_t len;
	char *text = file_read_whole(AT_FDCWD, "/etc/resolv.conf", FILE_MOST, &len);
	struct slice rest = slice_make(text, text != NULL ? len : 0), line;
	while (d->count < DNS_SERVERS_MOST && slice_split(&rest, '\n', &line)) {
		if (!slice_starts(line, "nameserver"))
			continue;
		struct slice server = slice_trim(slice_from(line, 10));
		if (dns_address_parse(slice_first(server, slice_find(server, ' ')), DNS_PORT, &d->servers[d->count]))
			d->count++;
	}
	free(text);
}

/* The next word; false at the end. */
static bool
next_word(struct slice *rest, struct slice *word)
{
	size_t start = 0, end;
	while (start < rest->len && strchr(" \t\r\n,", rest->data[start]) != NULL)
		start++;
	for (end = start; end < rest->len && strchr(" \t\r\n,", rest->data[end]) == NULL;)
		end++;
	*word = slice_from(slice_first(*rest, end), start);
	*rest = slice_from(*rest, end);
	return word->len > 0;
}

static bool
parse_servers(struct dns *d, struct slice rest)
{
	struct slice word;
	while (next_word(&rest, &word)) {
		if (d->count == DNS_SERVERS_MOST || !parse_server(word, &d->servers[d->count]))
			return false;
		d->count++;
	}
	return d->count > 0;
}

bool
dns_set_families(struct dns *d, struct slice words)
{
	struct slice word;
	size_t count = 0;
	memset(d->families, 0, sizeof d->families);
	if (slice_is(slice_trim(words), "any"))
		return true;
	while (next_word(&words, &word)) {
		int family = slice_is(word, "ipv6") ? AF_INET6 : slice_is(word, "ipv4") ? AF_INET : 0;
		if (family == 0 || count == 2 || d->families[0] == family)
			return false;
		d->families[count++] = family;
	}
	return count > 0;
}

bool
dns_has_family(const struct dns *d, int family)
{
	return d->families[0] == 0 || d->families[0] == family || d->families[1] == family;
}

bool
dns_begin(struct dns *d, const char *resolver)
{
	*d = (struct dns){.count = 0};
	if (resolver[0] == '\0') {
		read_resolv_conf(d);
		if (d->count == 0 && dns_address_parse(slice_of("127.0.0.1"), DNS_PORT, &d->servers[0]))
			d->count = 1;
		return true;
	}
	if (parse_servers(d, slice_of(resolver)))
		return true;
	log_error("setting-wrong", log_text("setting", "resolver"), log_text("reason", "it is not one to three addresses with a port"),
	    log_text("hint", "write addresses there, such as 127.0.0.1:53 or [::1]:5353, or delete the file"));
	return false;
}
