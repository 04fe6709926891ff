/*
 * The PROXY protocol (haproxy's proxy-protocol.txt), versions 1 and 2: a header
 * before the first byte of a connection, in which a balancer says for whom it
 * made it. Whoever may send one chooses his address, so it is read from named
 * networks only, and there it must be.
 */
#ifndef FRONT_PROXY_H
#define FRONT_PROXY_H

#include <stdint.h>

#include "lib/base/settings.h"
#include "lib/base/slice.h"
#include "lib/front/peer.h"

#define PROXY_LINE_MOST   107  /* version 1, with its CRLF */
#define PROXY_HEADER_MOST 4096 /* version 2, with what is behind the addresses */
#define PROXY_TIME        5000 /* ms for the whole header */

#define PROXY_SETTING(networks)                                                                                    \
	{"proxy_networks", SETTING_TEXT, "", "networks (CIDR) of balancers: their connections begin with a PROXY header", \
	    &(networks), 0, 0}

struct proxy_header {
	size_t      len; /* of the whole header, when there is one */
	struct ip   client, server;
	uint16_t    client_port, server_port;
	const char *problem; /* of PROXY_WRONG, for the log */
};

enum proxy_result {
	PROXY_MORE,   /* so far it is the beginning of a header, every byte of it */
	PROXY_WRONG,
	PROXY_LOCAL,  /* the balancer speaks for itself, or for somebody without an IP address */
	PROXY_CLIENT, /* client and server are set */
};

/*
 * `bytes` is what has come so far. Of version 2 a checksum (CRC32C) is verified
 * where there is one; other things behind the addresses, what it says of TLS
 * among them, are passed over, but must be well-formed.
 */
enum proxy_result proxy_parse(struct slice bytes, struct proxy_header *h);

enum proxy_arrival {
	PROXY_DIRECT,  /* not from a balancer: nothing was read */
	PROXY_BEHIND,  /* the peer is the client that the header names */
	PROXY_ITSELF,  /* the header names nobody: the peer is the balancer */
	PROXY_BROKEN,  /* logged: no header, or not in time. The connection must end */
	PROXY_SETTING_WRONG, /* logged */
};

/*
 * Reads the header from `fd`, a socket, if the peer's address is in `networks`;
 * not a byte more, so that TLS can follow. What the launcher said of the
 * balancer's name and ours is forgotten with PROXY_BEHIND.
 */
enum proxy_arrival proxy_take(int fd, const char *networks, struct peer *p);

#endif
