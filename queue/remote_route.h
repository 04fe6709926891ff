/* Where a message goes: the transport that queued was told, or the recipient's domain. */
#ifndef QUEUE_REMOTE_ROUTE_H
#define QUEUE_REMOTE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#include "lib/base/slice.h"

#define ROUTE_HOST_MOST 255

struct route {
	char     host[ROUTE_HOST_MOST + 1]; /* a name as DNS has it (A-labels), or an address without brackets; "" with a Unix socket */
	uint16_t port;
	bool     port_given; /* by the transport: whoever listens there, it is meant, even on this host */
	bool     tls;        /* from the first byte: RFC 8314 */
	bool     mx;         /* look up the name's MX; else its addresses */
	bool     lmtp;       /* RFC 2033; never by MX */
	char     unix_path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* of LMTP; "": by TCP */
};

/*
 * `smtp:[host]:port`, `smtps:[host]` (TLS from the first byte, port 465), `smtp:host`, `relay:...` (as smtp), `[host]:port`, `host:port`,
 * `host`; brackets mean no MX. `lmtp:unix:/path`, `lmtp:host:port`, `lmtp:[host]:port` (port 24; `inet:` may stand before the host). No next
 * hop: the domain, which may be a literal `[192.0.2.1]`, `[IPv6:2001:db8::1]`. A host with colons is an IPv6 address, in brackets. A
 * name in UTF-8 becomes its A-labels (lib/mail/idna.h). False: not understood.
 */
bool route_parse(struct slice transport, struct slice domain, struct route *r);

#endif
