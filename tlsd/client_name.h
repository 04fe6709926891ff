/* Who a client is by its certificate. */
#ifndef TLSD_CLIENT_NAME_H
#define TLSD_CLIENT_NAME_H

#include <openssl/x509.h>

#include "lib/base/str.h"

#define CLIENT_NAME_MOST 255 /* bytes */

/*
 * The login name in a certificate that was verified: the first rfc822Name of
 * its subjectAltName (RFC 5280 section 4.2.1.6), or where there is none the
 * common name of its subject, if it has exactly one. A name that holds a NUL or
 * another control byte, or is longer than CLIENT_NAME_MOST, is none, and no
 * other is looked for in its stead: whoever reads such a name may take it for
 * another one. Sets `name` and returns NULL, or returns why there is no name.
 */
const char *client_name(const X509 *certificate, struct str *name);

#endif
