/* The host names in a server's certificate. */
#ifndef TLSD_NAMES_H
#define TLSD_NAMES_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "lib/base/str.h"

#define NAMES_MOST 60000 /* bytes of all names of one certificate */
#define NAME_MOST  253   /* RFC 1035 section 2.3.4, as text */

/*
 * Sets `names` to the names of a certificate, with spaces between, in lower
 * case: each dNSName of its subjectAltName (RFC 6125 section 6.4), or where it has no
 * subjectAltName the common name of its subject. Only names that a client can
 * ask for: letters, digits, `-`, `_` and dots, and a whole label `*` at the
 * beginning. May be empty. False when they are too many.
 */
bool names_of(X509 *certificate, struct str *names);

#endif
