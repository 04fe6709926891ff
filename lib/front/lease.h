/*
 * The lease: authd counts a client as long as the front's connection to
 * authd/lookup is open, and holds what he does against the rates
 * (ARCHITECTURE.md: client, rate). When authd does not answer, everybody is
 * served, and that is logged: mail must go on.
 */
#ifndef FRONT_LEASE_H
#define FRONT_LEASE_H

#include <stdbool.h>

#include "lib/front/neighbour.h"
#include "lib/front/peer.h"

#define LEASE_PATIENCE 10000 /* ms for an answer */

enum lease_kind {
	LEASE_MESSAGES,
	LEASE_RECIPIENTS,
	LEASE_TLS,
	LEASE_AUTH,
	LEASE_KINDS,
};

struct lease {
	bool limited[LEASE_KINDS]; /* there is a rate to ask for */
};

/*
 * Counts the client, in the place of the one whom this connection has counted.
 * False, logged: he has too many connections, or makes them too fast. `p` is scratch.
 */
bool lease_take(struct lease *l, struct neighbour *authd, struct packet *p, const char *service, const struct peer *peer);
/* Counts one message, recipient and so on, of the user `login` ("": nobody). False, logged: that was too fast. */
bool lease_allows(const struct lease *l, struct neighbour *authd, struct packet *p, enum lease_kind kind, const char *login,
    const struct peer *peer);

#endif
