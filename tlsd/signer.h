/*
 * The child's side of the key process: an OpenSSL provider with keys of which
 * only the public half is here. A signature is asked for over a channel; all
 * other cryptography stays with OpenSSL's own provider.
 */
#ifndef TLSD_SIGNER_H
#define TLSD_SIGNER_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>

/* Makes the provider known to OpenSSL. Once, at the start; false when OpenSSL refuses. */
bool signer_install(void);

/*
 * A key whose private half is pair `id` of the key process and whose public
 * half is `half`. NULL when it cannot be made.
 */
EVP_PKEY *signer_key(const EVP_PKEY *half, uint64_t id);

/* The channel on which this process asks (keys.h), and how long it waits in milliseconds. */
void signer_use_channel(int channel, int timeout);

#endif
