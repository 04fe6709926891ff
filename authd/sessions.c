#include "authd/sessions.h"

#include <string.h>

#include "lib/base/ip.h"

static bool
is_loopback(const struct ip *ip)
{
	static const uint8_t loopback[16] = {[15] = 1};
	return ip->len == 4 ? ip->bytes[0] == 127 : memcmp(ip->bytes, loopback, sizeof loopback) == 0;
}

bool
session_key_of(const char *address, struct session_key *key)
{
	struct ip ip;
	memset(key, 0, sizeof *key);
	if (!ip_parse(&ip, slice_of(address)))
		return true;
	if (is_loopback(&ip))
		return false;
	/* An IPv4 address stands where no /64 of IPv6 does. */
	if (ip.len == 4)
		memcpy(key->bytes + 12, ip.bytes, 4);
	else
		memcpy(key->bytes, ip.bytes, 8);
	return true;
}

bool
sessions_enter(struct sessions *s, const struct session_key *key)
{
	uint64_t same = 0;
	for (size_t i = 0; i < s->count; i++)
		same += memcmp(&s->open[i], key, sizeof *key) == 0;
	if ((s->per_address > 0 && same >= s->per_address) || s->count == SESSIONS_MOST)
		return false;
	s->open[s->count++] = *key;
	return true;
}

void
sessions_leave(struct sessions *s, const struct session_key *key)
{
	for (size_t i = 0; i < s->count; i++) {
		if (memcmp(&s->open[i], key, sizeof *key) != 0)
			continue;
		s->open[i] = s->open[--s->count];
		return;
	}
}
