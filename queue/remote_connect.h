/* Connections to other hosts: from which address, for how long it is tried, and which addresses are our own. */
#ifndef QUEUE_REMOTE_CONNECT_H
#define QUEUE_REMOTE_CONNECT_H

#include "lib/base/outcome.h"
#include "lib/dns/dns.h"

struct connect_settings {
	int               timeout;      /* ms */
	union dns_address from4, from6; /* family 0: as the kernel chooses */
	struct slice      own;          /* networks that are ours as well (lib/base/networks.h) */
};

/*
 * Reads the settings outgoing_address4, outgoing_address6 and own_addresses.
 * False, logged, when one of them is wrong.
 */
bool connect_read_settings(struct connect_settings *c, const char *address4, const char *address6, const char *own);

/* A connected socket (non-blocking, close-on-exec). -1 with the trouble, which names `server`. */
int connect_address(const struct connect_settings *c, const union dns_address *a, const char *server, struct outcome *trouble);
int connect_unix(const char *path, struct outcome *trouble);

/* The trouble was of this host, not of the other one: it cost no time and says nothing about another address. */
bool connect_was_local(void);

/* An address of this host as the kernel knows them now, any loopback address, or one in `own`. */
bool connect_is_own(const struct connect_settings *c, const union dns_address *a);

#endif
