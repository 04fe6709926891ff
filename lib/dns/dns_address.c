#include <arpa/inet.h>
#include <string.h>

#include "lib/dns/dns.h"

socklen_t
dns_address_len(const union dns_address *a)
{
	return a->any.sa_family == AF_INET6 ? sizeof a->six : sizeof a->four;
}

void
dns_address_print(const union dns_address *a, char text[INET6_ADDRSTRLEN])
{
	const void *bytes = a->any.sa_family == AF_INET6 ? (const void *)&a->six.sin6_addr : &a->four.sin_addr;
	if (inet_ntop(a->any.sa_family, bytes, text, INET6_ADDRSTRLEN) == NULL)
		text[0] = '\0';
}

bool
dns_address_parse(struct slice text, uint16_t port, union dns_address *a)
{
	char copy[INET6_ADDRSTRLEN];
	memset(a, 0, sizeof *a);
	if (text.len == 0 || text.len >= sizeof copy)
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET, copy, &a->four.sin_addr) == 1) {
		a->four.sin_family = AF_INET;
		a->four.sin_port = htons(port);
		return true;
	}
	if (inet_pton(AF_INET6, copy, &a->six.sin6_addr) != 1)
		return false;
	a->six.sin6_family = AF_INET6;
	a->six.sin6_port = htons(port);
	return true;
}
