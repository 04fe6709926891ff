/*
 * How many conversations each client address has open. One place for each
 * conversation that the login socket may have, so memory is bounded. IPv6
 * addresses of one /64 are one client; the loopback is not counted (webmail
 * logs in from there for everybody).
 */
#ifndef AUTHD_SESSIONS_H
#define AUTHD_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSIONS_MOST 1792

struct session_key {
	uint8_t bytes[16];
};

struct sessions {
	uint64_t           per_address; /* 0: no limit */
	size_t             count;
	struct session_key open[SESSIONS_MOST];
};

/* False: the address is exempt (loopback). Text that is no address is one client of its own. */
bool session_key_of(const char *address, struct session_key *key);
/* False: this client has too many. */
bool sessions_enter(struct sessions *s, const struct session_key *key);
void sessions_leave(struct sessions *s, const struct session_key *key);

#endif
