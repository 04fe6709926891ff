/*
 * What is wanted of TLS with one host: the administrator's policy for the
 * destination, the host's TLSA records (RFC 7672), what the message itself asks
 * for (RFC 8689), the destination's MTA-STS policy (RFC 8461), and the names that the certificate may bear.
 */
#ifndef QUEUE_REMOTE_PLAN_H
#define QUEUE_REMOTE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/outcome.h"
#include "lib/base/str.h"
#include "lib/dns/dns.h"
#include "lib/ipc/tls.h"
#include "queue/remote_policy.h"
#include "queue/remote_sts.h"

struct tls_plan {
	enum tls_policy policy;   /* TLS_DANE: there are records */
	bool            implicit; /* TLS from the first byte (port 465) */
	bool            failed;   /* smtp_send(): the handshake did, or tlsd */
	struct str      names;    /* with commas between */
	size_t          tlsa_count;
	struct str      tlsa[DNS_RECORDS_MOST];
	const char     *sts; /* the mode of the MTA-STS policy that was applied, for the log; NULL: none */
};

/* Of one destination. */
struct plan_facts {
	const struct dns   *dns;
	const struct route *route;
	struct policy       policy;
	bool                require_tls; /* the message has REQUIRETLS */
	struct sts          sts;          /* the destination's MTA-STS policy; DANE goes before it */
	bool                authentic_mx; /* that the host is the destination's needs no proof, or DNSSEC gave it */
};

/*
 * Makes the plan for `host`, whose addresses were just looked up:
 * `authentic_addresses` says how. False, with the trouble, when its records
 * could not be looked up: it may not be used now (RFC 7672 section 2.1); or an enforced MTA-STS policy does not list it.
 */
bool plan_host(struct tls_plan *plan, const struct plan_facts *facts, const char *host, bool authentic_addresses, struct outcome *trouble);
/* No TLS at all. */
void plan_clear(struct tls_plan *plan);
/* As tlsd is asked. */
void plan_wish(const struct tls_plan *plan, struct tls_wish *wish);

#endif
