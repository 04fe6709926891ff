/* The setting `tls_profile`: which clients are served. */
#ifndef TLSD_PROFILE_H
#define TLSD_PROFILE_H

#include <stdbool.h>

#include <openssl/ssl.h>

struct profile {
	const char *name;
	int         least_version;
	const char *ciphers;    /* of TLS 1.2 and before; those of 1.3 are OpenSSL's */
	int         security;   /* OpenSSL's level: SSL_CTX_set_security_level(3) */
	bool        old_hashes; /* signatures with SHA-1 and MD5-SHA1, which TLS 1.0 and 1.1 have no other of */
};

/* NULL when there is none of that name. */
const struct profile *profile_find(const char *name);

/* Gives `context` its versions, ciphers and groups. False, with OpenSSL's reason in its queue. */
bool profile_use(const struct profile *profile, SSL_CTX *context);

#endif
