/*
 * The keys of session tickets (RFC 5077, RFC 8446 section 4.6.1): the acceptor
 * makes a new one as often as a session may be old, and keeps the one before it
 * for as long again. Children get them by fork(2), so that a session may go on at
 * another service; they forget them when their handshake is done.
 */
#ifndef TLSD_TICKETS_H
#define TLSD_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

/* How long a session may be resumed, in seconds; 0: no tickets (the setting `tls_resumption`). */
extern uint64_t tickets_lifetime;

/* Makes the first key. Before tickets_use(). */
void tickets_begin(void);
/* Makes a new key when it is time, now and from now on, on the loop. False with errno. */
bool tickets_watch(void);

/* Lets `context` make and take tickets. False, with OpenSSL's reason in its queue. */
bool tickets_use(SSL_CTX *context);

/* In a child: no more tickets. */
void tickets_forget(void);

#endif
