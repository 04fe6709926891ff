/* Which certificate a session shows: chosen in the child, from the shelf, by the name that the client asks for. */
#ifndef TLSD_PRESENT_H
#define TLSD_PRESENT_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "tlsd/shelf.h"

/*
 * Gives `context` the default certificates, and the way to the others. The
 * shelf must outlive it. False, with OpenSSL's reason in its queue.
 */
bool present_use(SSL_CTX *context, const struct shelf *shelf);

#endif
