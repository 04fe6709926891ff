/* Who is at the other end: from the launcher's environment (tcpserver, s6-tcpserver), else from the kernel. */
#ifndef FRONT_PEER_H
#define FRONT_PEER_H

#include <arpa/inet.h>
#include <stdbool.h>

#include "lib/base/ip.h"
#include "lib/base/slice.h"

struct peer {
	struct ip ip;
	char      text[INET6_ADDRSTRLEN]; /* "unknown" when it is not known */
	char      name[256];              /* TCPREMOTEHOST, printable ASCII, or "" */
};

/* Takes TCPREMOTEIP, or asks getpeername(fd). */
void peer_find(struct peer *p, int fd);
/* An address as text; a zone ("%eth0") is cut, an IPv4 address mapped into IPv6 becomes IPv4. False: not an address. */
bool peer_parse(struct peer *p, struct slice text);

#endif
