/* Which hosts take the mail of a destination, and in which order: RFC 5321 section 5, RFC 7505. */
#ifndef QUEUE_REMOTE_HOSTS_H
#define QUEUE_REMOTE_HOSTS_H

#include "lib/base/outcome.h"
#include "lib/base/str.h"
#include "lib/dns/dns.h"
#include "queue/remote_connect.h"
#include "queue/remote_route.h"

struct hosts {
	size_t        count;
	struct dns_mx mx[DNS_RECORDS_MOST]; /* as they are to be tried */
	bool          authentic;            /* that they are the destination's needs no proof, or DNSSEC gave it */
	bool          implicit;             /* there is no MX: the domain itself */
};

/* One host and where it is. */
struct host_addresses {
	const char       *host;
	size_t            count;
	bool              authentic; /* DNSSEC vouches for them */
	union dns_address addresses[DNS_RECORDS_MOST];
};

/*
 * The hosts of a route with a host: the route's own, or those of its MX, sorted. False with the trouble: 5.1.10 null MX, 5.1.2 no such
 * domain, 4.4.3 no answer of the resolver.
 */
bool hosts_find(const struct dns *dns, const struct route *route, struct hosts *h, struct outcome *trouble);

/* Equal ones in random order, then by preference. */
void hosts_sort(struct dns_mx *mx, size_t count);
/* The end of the hosts that have the preference of `first`. */
size_t hosts_group(const struct hosts *h, size_t first);
/* "10 mx1.test, 20 mx2.test" */
void hosts_print(const struct hosts *h, struct str *into);

/* The addresses of one host. False with the trouble: 5.4.4, 4.4.4 when a setting leaves the only ones out, or 4.4.3. */
bool hosts_locate(const struct dns *dns, const char *host, uint16_t port, struct host_addresses *a, struct outcome *trouble);

#endif
