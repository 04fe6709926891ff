/*
 * A certificate chain and the private key that fits it, read from their
 * files. Only the key process calls this.
 */
#ifndef TLSD_PAIR_H
#define TLSD_PAIR_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

/* The chain travels in one packet to the acceptor. */
#define PAIR_CHAIN_MOST 60000

struct pair {
	EVP_PKEY *key;
	char     *chain; /* PEM, the server's own certificate first */
	size_t    chain_len;
};

/*
 * Reads both PEM files (relative names: beneath the settings directory) and
 * refuses a key that others may read, that needs a passphrase, that is neither
 * RSA nor EC, or that does not belong to the first certificate. False, logged
 * with what to do; `pair` is then empty.
 */
bool pair_load(struct pair *pair, const char *certificate, const char *private_key);
void pair_free(struct pair *pair);

#endif
