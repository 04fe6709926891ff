#include "queue/remote_route.h"

#include <string.h>

#include "lib/base/ip.h"
#include "lib/base/number.h"
#include "lib/mail/address.h"
#include "lib/mail/idna.h"

#define SMTP_PORT  25
#define SMTPS_PORT 465
#define LMTP_PORT  24 /* assigned to "any private mail system"; RFC 2033 section 5 forbids 25 */

static bool
is_host_byte(int c)
{
	return ascii_is_alnum(c) || strchr(".-_:", c) != NULL;
}

static bool
copy_host(struct route *r, struct slice host)
{
	for (size_t i = 0; i < host.len; i++) {
		int c = ascii_lower((unsigned char)host.data[i]);
		if (c == '\0' || !is_host_byte(c))
			return false;
		r->host[i] = (char)c;
	}
	r->host[host.len] = '\0';
	return true;
}

/* The one place where a domain in UTF-8 becomes a host of remote's: names in certificates, policies and DNS are A-labels. */
static bool
encode_host(struct route *r, struct slice host)
{
	struct str ascii = STR_MOST(ROUTE_HOST_MOST);
	bool ok = idna_to_ascii(host, &ascii) && copy_host(r, str_slice(&ascii));
	str_free(&ascii);
	return ok;
}

/* What holds a colon is an IPv6 address or nothing: a name has none. */
static bool
set_host(struct route *r, struct slice host)
{
	struct ip ip;
	bool tagged = slice_starts_nocase(host, "IPv6:");
	if (tagged)
		host = slice_from(host, 5);
	/* Names in certificates, SNI and policies are written without it. */
	if (slice_ends(host, "."))
		host = slice_first(host, host.len - 1);
	if (host.len == 0 || host.len > ROUTE_HOST_MOST || (tagged && !slice_has(host, ':')) ||
	    (slice_has(host, ':') && !ip_parse(&ip, host)))
		return false;
	return address_is_ascii(host) ? copy_host(r, host) : encode_host(r, host);
}

/* Nothing, or ":25". */
static bool
set_port(struct route *r, struct slice rest)
{
	uint64_t port = r->lmtp ? LMTP_PORT : r->tls ? SMTPS_PORT : SMTP_PORT;
	if (rest.len > 0 && (rest.data[0] != ':' || !number_parse(slice_from(rest, 1), 65535, &port) || port == 0))
		return false;
	r->port_given = rest.len > 0;
	r->port = (uint16_t)port;
	return true;
}

static bool
set_path(struct route *r, struct slice path)
{
	if (!slice_starts(path, "/") || path.len >= sizeof r->unix_path || slice_has(path, '\0'))
		return false;
	memcpy(r->unix_path, path.data, path.len);
	return true;
}

static bool
parse_next_hop(struct slice hop, struct route *r)
{
	if (r->lmtp && slice_starts_nocase(hop, "unix:"))
		return set_path(r, slice_from(hop, 5));
	if (r->lmtp && slice_starts_nocase(hop, "inet:"))
		hop = slice_from(hop, 5);
	if (slice_starts(hop, "[")) {
		size_t end = slice_find(hop, ']');
		return end < hop.len && set_host(r, slice_first(slice_from(hop, 1), end - 1)) &&
		    set_port(r, slice_from(hop, end + 1));
	}
	size_t colon = slice_find(hop, ':');
	r->mx = !r->lmtp;
	return set_host(r, slice_first(hop, colon)) && set_port(r, slice_from(hop, colon));
}

/* A recipient's domain is no transport: it names no port, and in brackets stands an address (RFC 5321 section 4.1.3). */
static bool
parse_domain(struct slice domain, struct route *r)
{
	struct ip ip;
	bool literal = slice_starts(domain, "[");
	return (literal || !slice_has(domain, ':')) && parse_next_hop(domain, r) && !r->port_given &&
	    (!literal || ip_parse(&ip, slice_of(r->host)));
}

bool
route_parse(struct slice transport, struct slice domain, struct route *r)
{
	static const struct {
		const char *prefix;
		bool        tls, lmtp;
	} kinds[] = {{"smtp:", false, false}, {"relay:", false, false}, {"smtps:", true, false}, {"lmtp:", false, true}};
	memset(r, 0, sizeof *r);
	struct slice hop = slice_trim(transport);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (slice_starts_nocase(hop, kinds[i].prefix)) {
			r->tls = kinds[i].tls;
			r->lmtp = kinds[i].lmtp;
			hop = slice_from(hop, strlen(kinds[i].prefix));
			break;
		}
	return hop.len > 0 ? parse_next_hop(hop, r) : parse_domain(domain, r);
}
