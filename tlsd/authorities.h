/*
 * The CAs whose certificates name a client (the setting `client_ca`): a file of
 * their certificates in PEM, with lists of revocations (CRL) if they have such.
 * All of it is public. The key process reads it, as it reads the chain; the
 * acceptor makes rules of it.
 */
#ifndef TLSD_AUTHORITIES_H
#define TLSD_AUTHORITIES_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include "lib/base/slice.h"

#define AUTHORITIES_MOST (1 << 20) /* bytes of the file */

struct authorities {
	char  *pem; /* NULL: no client is asked for a certificate */
	size_t len;
};

/*
 * Reads the file ("": none; a relative name: beneath the settings directory)
 * and refuses one that holds anything but certificates of CAs and their CRLs,
 * a private key above all. False, logged with what to do unless `quiet`; `a` is
 * then empty.
 */
bool authorities_load(struct authorities *a, const char *file, bool quiet);
void authorities_free(struct authorities *a);

/*
 * Lets `context` ask its clients for a certificate that one of these signed
 * (empty: it asks for none). Whatever the client shows or does not show, the
 * handshake goes on: SSL_get_verify_result() tells what was wrong. False, with
 * OpenSSL's reason in its queue.
 */
bool authorities_use(SSL_CTX *context, struct slice pem);

#endif
