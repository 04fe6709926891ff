/*
 * Which schemes there are, after Dovecot's names, and which of them are weak:
 * those that stand on DES, MD5 or SHA-1 without many rounds, and those without
 * salt. A thief of the table tries billions of passwords a second on them.
 * PLAIN is no hash at all; it is not called weak because nobody stores clear
 * passwords by mistake, and some mechanisms cannot do without.
 */
#include "authd/hash_schemes.h"

#include <string.h>

static const struct scheme schemes[] = {
    /* name           family         class          encoding bytes salted weak  costly verify         make */
    {"CRYPT",         NULL,          "hashed",      AS_IT_IS, 0,  false, false, true,  verify_crypt,  NULL},
    {"YESCRYPT",      NULL,          "hashed",      AS_IT_IS, 0,  false, false, true,  verify_crypt,  make_crypt},
    {"BLF-CRYPT",     NULL,          "hashed",      AS_IT_IS, 0,  false, false, true,  verify_crypt,  make_crypt},
    {"SHA512-CRYPT",  NULL,          "hashed",      AS_IT_IS, 0,  false, false, true,  verify_crypt,  make_crypt},
    {"SHA256-CRYPT",  NULL,          "hashed",      AS_IT_IS, 0,  false, false, true,  verify_crypt,  make_crypt},
    {"MD5-CRYPT",     NULL,          "hashed",      AS_IT_IS, 0,  false, false, true,  verify_crypt,  NULL},
    {"MD5",           NULL,          "hashed",      AS_IT_IS, 0,  false, false, true,  verify_crypt,  NULL},
    {"DES-CRYPT",     NULL,          "hashed",      AS_IT_IS, 0,  false, false, true,  verify_crypt,  NULL},
    {"PLAIN",         "PLAIN",       "clear",       AS_IT_IS, 0,  false, false, false, verify_plain,  make_plain},
    {"CLEARTEXT",     "PLAIN",       "clear",       AS_IT_IS, 0,  false, false, false, verify_plain,  NULL},
    {"CLEAR",         "PLAIN",       "clear",       AS_IT_IS, 0,  false, false, false, verify_plain,  NULL},
    {"PLAIN-MD5",     "PLAIN-MD5",   "hashed",      HEX,      16, false, true,  false, verify_digest, NULL},
    {"LDAP-MD5",      "LDAP-MD5",    "hashed",      BASE64,   16, false, true,  false, verify_digest, NULL},
    {"SMD5",          "SMD5",        "hashed",      BASE64,   16, true,  true,  false, verify_digest, NULL},
    {"SHA",           "SHA",         "hashed",      BASE64,   20, false, true,  false, verify_digest, NULL},
    {"SHA1",          "SHA",         "hashed",      BASE64,   20, false, true,  false, verify_digest, NULL},
    {"SSHA",          "SSHA",        "hashed",      BASE64,   20, true,  true,  false, verify_digest, NULL},
    {"SHA256",        "SHA256",      "hashed",      BASE64,   32, false, true,  false, verify_digest, NULL},
    {"SSHA256",       "SSHA256",     "hashed",      BASE64,   32, true,  false, false, verify_digest, NULL},
    {"SHA512",        "SHA512",      "hashed",      BASE64,   64, false, true,  false, verify_digest, NULL},
    {"SSHA512",       "SSHA512",     "hashed",      BASE64,   64, true,  false, false, verify_digest, NULL},
    {"CRAM-MD5",      "CRAM-MD5",    "cram-md5",    HEX,      32, false, true,  false, verify_cram,   NULL},
    {"HMAC-MD5",      "CRAM-MD5",    "cram-md5",    HEX,      32, false, true,  false, verify_cram,   NULL},
    {"PBKDF2",        "PBKDF2",      "hashed",      AS_IT_IS, 0,  false, false, true,  verify_pbkdf2, NULL},
    {"ARGON2I",       "ARGON2",      "hashed",      AS_IT_IS, 0,  false, false, true,  verify_argon2, NULL},
    {"ARGON2ID",      "ARGON2",      "hashed",      AS_IT_IS, 0,  false, false, true,  verify_argon2, make_argon2},
    {"SCRAM-SHA-1",   "SCRAM",       "scram-sha-1", AS_IT_IS, 0,  false, false, true,  verify_scram,  make_scram},
    {"SCRAM-SHA-256", "SCRAM",       "scram-sha-256", AS_IT_IS, 0, false, false, true, verify_scram,  make_scram},
};

const struct scheme *
scheme_find(struct slice name)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (slice_is_nocase(name, schemes[i].name))
			return &schemes[i];
	return NULL;
}

const char *
scheme_family(const struct scheme *s, struct slice text)
{
	if (s->family != NULL)
		return s->family;
	const struct crypt_family *f = crypt_family_of(text);
	return f != NULL ? crypt_family_name(f) : s->name;
}

bool
scheme_is_weak(const struct scheme *s, struct slice text)
{
	const struct crypt_family *f = s->family == NULL ? crypt_family_of(text) : NULL;
	return f != NULL ? crypt_family_weak(f) : s->weak;
}
