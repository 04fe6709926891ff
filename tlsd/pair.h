/*
 * A certificate chain and the private key that fits it, read from their
 * files, with the OCSP response beside them. Only the key process and
 * `postern-tlsd --check` call this.
 */
#ifndef TLSD_PAIR_H
#define TLSD_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "lib/base/str.h"
#include "tlsd/profile.h"

/* The chain travels in one packet to the acceptor. */
#define PAIR_CHAIN_MOST 60000

struct pair_files {
	const char *certificate;
	const char *key;
	const char *response; /* need not exist */
};

struct pair {
	EVP_PKEY   *key;
	char       *chain; /* DER, the server's own certificate first, without gaps */
	size_t      chain_len;
	struct str  names;     /* names.h */
	char        kind[24];  /* "RSA-2048", "EC-P-256" */
	int64_t     begins, ends; /* seconds since 1970 */
	char       *response;  /* DER; NULL: none that is fit */
	size_t      response_len;
	int64_t     response_ends;
	const char *response_fault; /* why there is none though there is a file; NULL: nothing is wrong */
};

/* What a pair is judged by. The context is made with the first pair: most looks find none to read. */
struct pair_rules {
	const struct profile *profile;
	SSL_CTX              *context;
};

/* Why a pair is not fit, and what to do. */
struct fault {
	const char *file;
	char        reason[160];
	const char *hint;
};

/*
 * Reads the files and refuses a key that others may read, that needs a
 * passphrase, that is not an RSA or EC key of a usual size, or that does not
 * belong to the first certificate, and a chain that is not in order or that
 * OpenSSL does not want at the security level of the profile. It does not judge by
 * the time. False with `fault` set; `pair` is then empty.
 */
bool pair_load(struct pair *pair, const struct pair_files *files, struct pair_rules *rules, struct fault *fault);
/* Forgets what was made of the profile. */
void pair_rules_free(struct pair_rules *rules);
void pair_free(struct pair *pair);

#endif
