#include "lib/front/peer.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void
set(struct peer *p, const void *bytes, size_t len)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
	const uint8_t *from = bytes;
	if (len == 16 && memcmp(from, mapped, sizeof mapped) == 0) {
		from += sizeof mapped;
		len = 4;
	}
	p->len = len;
	memcpy(p->bytes, from, len);
	inet_ntop(len == 4 ? AF_INET : AF_INET6, p->bytes, p->text, sizeof p->text);
}

bool
peer_parse(struct peer *p, struct slice text)
{
	char address[INET6_ADDRSTRLEN];
	uint8_t bytes[16];
	struct slice bare = slice_first(text, slice_find(text, '%'));
	if (bare.len >= sizeof address || slice_has(bare, '\0'))
		return false;
	memcpy(address, bare.data, bare.len);
	address[bare.len] = '\0';
	if (inet_pton(AF_INET, address, bytes) == 1) {
		set(p, bytes, 4);
		return true;
	}
	if (inet_pton(AF_INET6, address, bytes) != 1)
		return false;
	set(p, bytes, 16);
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
		set(p, &address.v4.sin_addr, 4);
	else if (address.any.sa_family == AF_INET6)
		set(p, &address.v6.sin6_addr, 16);
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
