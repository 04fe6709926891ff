/* One question to one server: over UDP, over TCP when the answer is cut. */
#ifndef DNS_DNS_ASK_H
#define DNS_DNS_ASK_H

#include "lib/dns/dns.h"

/*
 * Sends a query (dns_build_query()) and waits `patience` ms for what answers it; TCP has its own patience.
 * The answer is valid until the next call. False: none.
 */
bool dns_ask(const union dns_address *server, struct slice query, int patience, struct slice *answer);

#endif
