/* Where a message goes: the transport that queued was told, or the recipient's domain. */
#ifndef QUEUE_REMOTE_ROUTE_H
#define QUEUE_REMOTE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define ROUTE_HOST_MOST 255

struct route {
	char     host[ROUTE_HOST_MOST + 1]; /* a name, or an address without brackets */
	uint16_t port;
	bool     tls; /* from the first byte: RFC 8314 */
	bool     mx;  /* look up the name's MX; else its addresses */
};

/*
 * `smtp:[host]:port`, `smtps:[host]` (TLS from the first byte, port 465), `smtp:host`, `[host]:port`, `host:port`, `host`; brackets
 * mean no MX. Empty: the domain, which may be a literal `[192.0.2.1]`. False:
 * not understood.
 */
bool route_parse(struct slice transport, struct slice domain, struct route *r);

#endif
