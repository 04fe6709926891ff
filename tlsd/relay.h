/*
 * Carries bytes between a TLS session and the plain socket of the front, in
 * one buffer each way. The end of TLS (close_notify) becomes the end of the
 * plain stream and the end of the plain stream becomes a close_notify; each
 * direction may end by itself. A connection that is cut off, without
 * close_notify, ends both at once.
 */
#ifndef TLSD_RELAY_H
#define TLSD_RELAY_H

#include <openssl/ssl.h>

/*
 * `client` is the descriptor of `ssl`, non-blocking. Returns when both directions have ended. Once the front has
 * ended nobody else watches the client: `farewell` milliseconds without a byte end it then.
 */
void relay_run(SSL *ssl, int client, int plain, int farewell);

#endif
