#include "queue/remote_route.h"

#include <string.h>

#include "lib/base/number.h"

#define SMTP_PORT  25
#define SMTPS_PORT 465

static bool
set_host(struct route *r, struct slice host)
{
	if (slice_starts_nocase(host, "IPv6:"))
		host = slice_from(host, 5);
	/* Names in certificates, SNI and policies are written without it. */
	if (slice_ends(host, "."))
		host = slice_first(host, host.len - 1);
	if (host.len == 0 || host.len > ROUTE_HOST_MOST)
		return false;
	for (size_t i = 0; i < host.len; i++) {
		int c = ascii_lower((unsigned char)host.data[i]);
		if (!ascii_is_alnum(c) && strchr(".-_:", c) == NULL && c < 0x80)
			return false;
		r->host[i] = (char)c;
	}
	r->host[host.len] = '\0';
	return true;
}

/* Nothing, or ":25". */
static bool
set_port(struct route *r, struct slice rest)
{
	uint64_t port = r->tls ? SMTPS_PORT : SMTP_PORT;
	if (rest.len > 0 && (rest.data[0] != ':' || !number_parse(slice_from(rest, 1), 65535, &port) || port == 0))
		return false;
	r->port = (uint16_t)port;
	return true;
}

static bool
parse_next_hop(struct slice hop, struct route *r)
{
	if (slice_starts(hop, "[")) {
		size_t end = slice_find(hop, ']');
		r->mx = false;
		return end < hop.len && set_host(r, slice_first(slice_from(hop, 1), end - 1)) &&
		    set_port(r, slice_from(hop, end + 1));
	}
	size_t colon = slice_find(hop, ':');
	r->mx = true;
	return set_host(r, slice_first(hop, colon)) && set_port(r, slice_from(hop, colon));
}

bool
route_parse(struct slice transport, struct slice domain, struct route *r)
{
	memset(r, 0, sizeof *r);
	struct slice hop = slice_trim(transport);
	r->tls = slice_starts_nocase(hop, "smtps:");
	if (r->tls || slice_starts_nocase(hop, "smtp:"))
		hop = slice_from(hop, r->tls ? 6 : 5);
	return parse_next_hop(hop.len > 0 ? hop : domain, r);
}
