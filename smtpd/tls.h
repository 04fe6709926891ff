/* The change to TLS, by STARTTLS (RFC 3207) or before the first byte (RFC 8314 section 3.3). */
#ifndef SMTPD_TLS_H
#define SMTPD_TLS_H

#include "smtpd/session.h"

/*
 * Hands the connection to tlsd and goes on with the plain one that comes
 * back. Nothing that was read before is kept. False: there is no TLS and no way
 * back, the session must end (logged).
 */
bool tls_begin(struct session *s);

#endif
