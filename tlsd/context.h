/* OpenSSL's settings and certificate for all sessions, and the rehearsal that makes them quick. */
#ifndef TLSD_CONTEXT_H
#define TLSD_CONTEXT_H

#include <stdint.h>

#include <openssl/ssl.h>

#include "lib/base/slice.h"

/*
 * A server context for the chain (PEM) whose key is pair `id` of the key
 * process, that asks clients for certificates of these authorities (PEM; empty:
 * it asks for none). Takes the ticket keys of `before`, when not NULL, so that sessions
 * may be resumed after a reload. NULL, logged.
 */
SSL_CTX *context_make(struct slice chain, uint64_t id, struct slice authorities, SSL_CTX *before);

/*
 * Shakes hands with itself in memory, once for each way that clients
 * commonly go, so that a child finds loaded what OpenSSL loads at first use
 * (and the key is proven). `open_channel` gives a fresh channel to the key
 * process, -1 when there is none. False, logged, when a handshake failed.
 */
bool context_rehearse(SSL_CTX *server, int (*open_channel)(void));

#endif
