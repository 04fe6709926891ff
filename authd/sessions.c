#include "authd/sessions.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static bool
is_loopback(const struct in6_addr *a)
{
	if (IN6_IS_ADDR_V4MAPPED(a))
		return a->s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(a);
}

static bool
parse(const char *address, struct in6_addr *a)
{
	struct in_addr v4;
	if (inet_pton(AF_INET6, address, a) == 1)
		return true;
	if (inet_pton(AF_INET, address, &v4) != 1)
		return false;
	memset(a, 0, sizeof *a);
	a->s6_addr[10] = a->s6_addr[11] = 0xff;
	memcpy(a->s6_addr + 12, &v4, sizeof v4);
	return true;
}

bool
session_key_of(const char *address, struct session_key *key)
{
	struct in6_addr a;
	memset(key, 0, sizeof *key);
	if (!parse(address, &a))
		return true;
	if (is_loopback(&a))
		return false;
	memcpy(key->bytes, a.s6_addr, IN6_IS_ADDR_V4MAPPED(&a) ? 16 : 8);
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
