#include "lib/front/peer.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void
set(struct peer *p, struct ip ip)
{
	p->ip = ip;
	inet_ntop(ip.len == 4 ? AF_INET : AF_INET6, ip.bytes, p->text, sizeof p->text);
}

bool
peer_parse(struct peer *p, struct slice text)
{
	struct ip ip;
	if (!ip_parse(&ip, text))
		return false;
	set(p, ip);
	return true;
}

static void
ask_kernel(struct peer *p, int fd)
{
	union {
		struct sockaddr     any;
		struct sockaddr_in  v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} address;
	socklen_t len = sizeof address;
	if (getpeername(fd, &address.any, &len) < 0)
		return;
	if (address.any.sa_family == AF_INET)
		set(p, ip_of(&address.v4.sin_addr, 4));
	else if (address.any.sa_family == AF_INET6)
		set(p, ip_of(&address.v6.sin6_addr, 16));
}

/* The name is what a resolver said: hostile. It is shown and never trusted. */
static void
take_name(struct peer *p)
{
	const char *name = getenv("TCPREMOTEHOST");
	if (name == NULL || strlen(name) >= sizeof p->name)
		return;
	for (const char *c = name; *c != '\0'; c++)
		if (!ascii_is_alnum((unsigned char)*c) && strchr(".-_", *c) == NULL)
			return;
	snprintf(p->name, sizeof p->name, "%s", name);
}

void
peer_find(struct peer *p, int fd)
{
	*p = (struct peer){.text = "unknown"};
	const char *remote = getenv("TCPREMOTEIP");
	if (remote == NULL || !peer_parse(p, slice_of(remote)))
		ask_kernel(p, fd);
	take_name(p);
}
