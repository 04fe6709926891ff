/* Who is there, and what follows from his address: settled after the confinement, before TLS and the greeting. */
#ifndef SMTPD_ARRIVE_H
#define SMTPD_ARRIVE_H

#include "smtpd/session.h"

enum arrive_result {
	ARRIVE_OK,
	ARRIVE_TOO_MANY,      /* connections of this address */
	ARRIVE_GONE,          /* no PROXY header where one must be: the session ends without a word */
	ARRIVE_MISCONFIGURED, /* a list of networks is wrong */
};

/*
 * Reads the PROXY header of a client in proxy_networks, whose client is then
 * s->peer; sets relay_client and may_xclient; has authd count the client. All
 * trouble is logged.
 */
enum arrive_result arrive(struct session *s);

/* One more TLS session before the first byte. False, logged: too fast, the session ends without a word. */
bool arrive_may_encrypt(struct session *s);

/* s->peer is in permitted_networks; for XCLIENT, which changes him. */
bool arrive_permitted(const struct session *s);

#endif
