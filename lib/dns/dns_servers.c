#include <fcntl.h>
#include <stdlib.h>

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

bool
dns_begin(struct dns *d, const char *resolver)
{
	d->count = 0;
	if (resolver[0] == '\0') {
		read_resolv_conf(d);
		if (d->count == 0 && dns_address_parse(slice_of("127.0.0.1"), DNS_PORT, &d->servers[0]))
			d->count = 1;
		return true;
	}
	if (parse_server(slice_of(resolver), &d->servers[0])) {
		d->count = 1;
		return true;
	}
	log_error("setting-wrong", log_text("setting", "resolver"), log_text("reason", "it is not an address with a port"),
	    log_text("hint", "write an address there, such as 127.0.0.1:53 or [::1]:5353, or delete the file"));
	return false;
}
