/* Who is at the other end: from the launcher's environment (tcpserver, s6-tcpserver), else from the kernel. */
#ifndef FRONT_PEER_H
#define FRONT_PEER_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/ip.h"
#include "lib/base/slice.h"

#define PEER_NAME_MOST 255

struct peer {
	struct ip ip;
	char      text[INET6_ADDRSTRLEN];   /* "unknown" when it is not known */
	char      name[PEER_NAME_MOST + 1]; /* TCPREMOTEHOST, printable ASCII, or "" */
	uint16_t  port;                     /* 0: not known */
	char      local[INET6_ADDRSTRLEN];  /* the address of ours that he came to, "": not known */
	uint16_t  local_port;               /* 0: not known */
};

/* Takes TCPREMOTEIP and TCPREMOTEPORT, or asks getpeername(fd); TCPLOCALIP and TCPLOCALPORT, or getsockname(fd). */
void peer_find(struct peer *p, int fd);

/* Another address; name and ports stay. One of length 0 is "unknown". */
void peer_set(struct peer *p, struct ip ip);
void peer_set_local(struct peer *p, struct ip ip, uint16_t port);
/* False, and no name: it holds what no host name does, or is too long. */
bool peer_set_name(struct peer *p, struct slice name);

#endif
