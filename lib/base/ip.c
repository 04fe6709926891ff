#include "lib/base/ip.h"

#include <arpa/inet.h>
#include <string.h>

struct ip
ip_of(const void *bytes, size_t len)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
	const uint8_t *from = bytes;
	if (len == 16 && memcmp(from, mapped, sizeof mapped) == 0) {
		from += sizeof mapped;
		len = 4;
	}
	struct ip ip = {.len = len};
	memcpy(ip.bytes, from, len);
	return ip;
}

bool
ip_parse(struct ip *ip, struct slice text)
{
	char address[INET6_ADDRSTRLEN];
	uint8_t bytes[16];
	struct slice bare = slice_first(text, slice_find(text, '%'));
	*ip = (struct ip){.len = 0};
	if (bare.len >= sizeof address || slice_has(bare, '\0'))
		return false;
	memcpy(address, bare.data, bare.len);
	address[bare.len] = '\0';
	if (inet_pton(AF_INET, address, bytes) == 1)
		*ip = ip_of(bytes, 4);
	else if (inet_pton(AF_INET6, address, bytes) == 1)
		*ip = ip_of(bytes, 16);
	return ip->len > 0;
}
