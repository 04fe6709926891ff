/*
 * Who connects how often and does how much: connections at a time of one client
 * address to one service, and per minute its new connections, messages,
 * recipients, TLS sessions and tries to log in; per minute also the messages and
 * recipients of one login. What Postfix's anvil counts, counted before a TLS
 * handshake.
 *
 * An address is an IPv4 address or an IPv6 /64. Rates are even: a client that
 * was quiet may do a whole minute's at once, then as many a minute as the limit
 * says. What was refused does not count, so who waits is served again.
 *
 * Memory is fixed: places in sets that a salted hash chooses. In a full set the
 * place that will have drained first gives way, but never one of a client who is
 * connected. When all of a set are connected (16 clients whose hashes nobody can
 * choose), a further one is served and not counted. Counting begins anew when
 * authd does.
 */
#ifndef AUTHD_CLIENTS_H
#define AUTHD_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/siphash.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"

#define CLIENTS_WAYS 16
#define CLIENTS_SETS 1024

enum client_kind {
	CLIENT_CONNECTIONS,
	CLIENT_MESSAGES,
	CLIENT_RECIPIENTS,
	CLIENT_TLS,
	CLIENT_AUTH,
	CLIENT_KINDS,
};

/* 0: no limit. */
struct clients_options {
	uint64_t    connections;              /* at a time, of one address to one service */
	uint64_t    rates[CLIENT_KINDS];      /* per minute, of one address to one service */
	uint64_t    user_rates[CLIENT_KINDS]; /* per minute, of one login; messages and recipients */
	const char *exempt, *permitted;       /* networks.h, strict; the texts must live as long */
};

#define CLIENTS_LIMIT_MOST 1000000

struct client_place {
	uint64_t hash;              /* 0: the place is free */
	uint32_t open;              /* connections */
	int64_t  full[CLIENT_KINDS]; /* us of the clock: what was done has drained by then */
};

struct clients {
	struct clients_options options;
	struct siphash_key     key;
	struct client_place    places[CLIENTS_SETS][CLIENTS_WAYS];
};

/* One connection's hold on its client. {NULL}: none, or he is not counted. */
struct client_lease {
	struct client_place *place;
};

/* False with the reason in `problem`: a list of networks is wrong. */
bool clients_begin(struct clients *c, const struct clients_options *options, struct str *problem);

/*
 * A connection begins. NULL, or why it is one too many (then there is no lease).
 * `address` as the front said it; one that is exempt, or none at all, is not
 * counted. `now` is clock_ms() in all of these.
 */
const char *clients_enter(struct clients *c, struct slice service, struct slice address, int64_t now, struct client_lease *lease);
void clients_leave(struct client_lease *lease);

/* Is there a rate of this kind for the client of the lease, or for logins? */
bool clients_counts(const struct clients *c, const struct client_lease *lease, enum client_kind kind);
/* `count` more of a kind, by the login in lower case ("": nobody). NULL, or why not now (then it was not counted). */
const char *clients_do(
    struct clients *c, const struct client_lease *lease, enum client_kind kind, uint64_t count, struct slice login, int64_t now);

/* "messages": of the socket. CLIENT_KINDS: not one, or one that is not done by asking. */
enum client_kind client_kind_of(const char *name);
const char *client_kind_name(enum client_kind kind);

#endif
