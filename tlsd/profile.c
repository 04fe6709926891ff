#include "tlsd/profile.h"

#include <string.h>

/*
 * Forward secrecy only: for key exchange by RSA the key process would have to
 * decrypt. And by elliptic curves only: finite-field groups (DHE) would be
 * another form to sign, for clients that are gone.
 */
#define AEAD "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS "X25519:P-256:P-384:X448:P-521"

static const struct profile profiles[] = {
	{"modern", TLS1_2_VERSION, AEAD ":!aNULL", 2, false},
	{"intermediate", TLS1_2_VERSION, AEAD ":ECDHE+AES:!aNULL", 2, false},
	{"old", TLS1_VERSION, AEAD ":ECDHE+AES:!aNULL", 0, true},
};

const struct profile *
profile_find(const char *name)
{
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}

bool
profile_use(const struct profile *profile, SSL_CTX *context)
{
	SSL_CTX_set_security_level(context, profile->security);
	return SSL_CTX_set_min_proto_version(context, profile->least_version) == 1 &&
	    SSL_CTX_set_cipher_list(context, profile->ciphers) == 1 && SSL_CTX_set1_groups_list(context, GROUPS) == 1;
}
