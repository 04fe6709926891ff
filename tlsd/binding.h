/* Channel bindings: what an authentication inside a TLS session says of that session, so that nobody can stand between. */
#ifndef TLSD_BINDING_H
#define TLSD_BINDING_H

#include <openssl/ssl.h>

#include "lib/base/str.h"

#define BINDING_MOST 511 /* bytes; all three take 200 */

/*
 * Sets the bindings of a session whose handshake is done, the server's end
 * of it, each NAME=BASE64, with spaces between:
 *
 *     tls-exporter          RFC 9266; TLS 1.3, and 1.2 with the extended master secret
 *     tls-unique            RFC 5929 section 3; TLS 1.2 with the extended master secret
 *     tls-server-end-point  RFC 5929 section 4; where our certificate's signature has a hash
 *
 * Without the extended master secret (RFC 7627) two sessions of TLS 1.2 can be
 * brought to the same first two: they bind nothing then, and are left out.
 * Empty when there is no memory.
 */
void binding_set(struct str *into, SSL *ssl);

/*
 * For SSL_CTX_set_session_ticket_cb(3), when a ticket is made: it keeps what tls-server-end-point is,
 * since a session that is resumed shows no certificate, and the client goes by the one that it was shown
 * at first. 1, or 0 when there is no memory.
 */
int binding_keep(SSL *ssl, void *context);

#endif
