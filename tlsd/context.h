/* OpenSSL's settings and certificate for all sessions, and the rehearsal that makes them quick. */
#ifndef TLSD_CONTEXT_H
#define TLSD_CONTEXT_H

#include <openssl/ssl.h>

#include "lib/base/slice.h"
#include "tlsd/profile.h"
#include "tlsd/shelf.h"

/*
 * A server context for the certificates of a shelf, which must outlive it,
 * that asks clients for certificates of these authorities (PEM; empty: it asks
 * for none). NULL, logged.
 */
SSL_CTX *context_make(const struct shelf *shelf, const struct profile *profile, struct slice authorities);

/*
 * Shakes hands with itself in memory, once for each way that clients
 * commonly go, so that a child finds loaded what OpenSSL loads at first use
 * (and the key is proven); and once with a certificate of each kind of key.
 * `open_channel` gives a fresh channel to the key process, -1 when there is
 * none. False, logged, when a handshake failed.
 */
bool context_rehearse(SSL_CTX *server, const struct shelf *shelf, int (*open_channel)(void));

#endif
