/* IP addresses as bytes. */
#ifndef BASE_IP_H
#define BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

struct ip {
	size_t  len; /* 4, 16, or 0: not known */
	uint8_t bytes[16];
};

/* Of 4 or 16 bytes; an IPv4 address mapped into IPv6 (RFC 4291 section 2.5.5.2) becomes IPv4. */
struct ip ip_of(const void *bytes, size_t len);
/* An address as inet_pton(3) takes it; a zone ("%eth0") is cut. False: not an address, `*ip` is not known then. */
bool ip_parse(struct ip *ip, struct slice text);

#endif
