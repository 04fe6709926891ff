#include "lib/front/peer.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/number.h"

union any_address {
	struct sockaddr         any;
	struct sockaddr_in      v4;
	struct sockaddr_in6     v6;
	struct sockaddr_storage room;
};

static void
print(struct ip ip, char into[INET6_ADDRSTRLEN], const char *unknown)
{
	if (ip.len == 0)
		snprintf(into, INET6_ADDRSTRLEN, "%s", unknown);
	else
		inet_ntop(ip.len == 4 ? AF_INET : AF_INET6, ip.bytes, into, INET6_ADDRSTRLEN);
}

void
peer_set(struct peer *p, struct ip ip)
{
	p->ip = ip;
	print(ip, p->text, "unknown");
}

void
peer_set_local(struct peer *p, struct ip ip, uint16_t port)
{
	print(ip, p->local, "");
	p->local_port = port;
}

/* False: not an address of the internet. */
static bool
read_address(const union any_address *a, struct ip *ip, uint16_t *port)
{
	bool four = a->any.sa_family == AF_INET;
	if (!four && a->any.sa_family != AF_INET6)
		return false;
	*ip = four ? ip_of(&a->v4.sin_addr, 4) : ip_of(&a->v6.sin6_addr, 16);
	*port = ntohs(four ? a->v4.sin_port : a->v6.sin6_port);
	return true;
}

static void
ask_kernel(struct peer *p, int fd)
{
	union any_address address;
	struct ip ip;
	socklen_t len = sizeof address;
	if (getpeername(fd, &address.any, &len) == 0 && read_address(&address, &ip, &p->port))
		peer_set(p, ip);
}

static void
ask_kernel_local(struct peer *p, int fd)
{
	union any_address address;
	struct ip ip;
	uint16_t port;
	socklen_t len = sizeof address;
	if (getsockname(fd, &address.any, &len) == 0 && read_address(&address, &ip, &port))
		peer_set_local(p, ip, port);
}

/* An address and a port of the launcher; a port that is not one is not known. */
static bool
ask_launcher(const char *address, const char *port, struct ip *ip, uint16_t *number)
{
	const char *text = getenv(address), *digits = getenv(port);
	uint64_t value;
	if (text == NULL || !ip_parse(ip, slice_of(text)))
		return false;
	*number = digits != NULL && number_parse(slice_of(digits), UINT16_MAX, &value) ? (uint16_t)value : 0;
	return true;
}

/* The name is what a resolver or another program said: hostile. It is shown and never trusted. */
bool
peer_set_name(struct peer *p, struct slice name)
{
	p->name[0] = '\0';
	if (name.len > PEER_NAME_MOST)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alnum((unsigned char)name.data[i]) && (name.data[i] == '\0' || strchr(".-_", name.data[i]) == NULL))
			return false;
	snprintf(p->name, sizeof p->name, "%.*s", (int)name.len, name.data);
	return true;
}

void
peer_find(struct peer *p, int fd)
{
	struct ip ip;
	uint16_t port;
	*p = (struct peer){.text = "unknown"};
	if (ask_launcher("TCPREMOTEIP", "TCPREMOTEPORT", &ip, &p->port))
		peer_set(p, ip);
	else
		ask_kernel(p, fd);
	if (ask_launcher("TCPLOCALIP", "TCPLOCALPORT", &ip, &port))
		peer_set_local(p, ip, port);
	else
		ask_kernel_local(p, fd);
	peer_set_name(p, slice_of(getenv("TCPREMOTEHOST")));
}
