/* What the files of the provider (signer.h) share: keys as it holds them, and its tables of functions. */
#ifndef TLSD_SIGNER_PARTS_H
#define TLSD_SIGNER_PARTS_H

#include <stdint.h>

#include <openssl/core_dispatch.h>
#include <openssl/evp.h>

#define SIGNER_PROPERTIES "provider=postern"
#define SIGNER_PARAM_ID   "postern-key" /* of a key: which pair of the key process it is */

/* What OpenSSL calls key data: the public half, a key of OpenSSL's own provider, and where the rest is. */
struct signer_key {
	EVP_PKEY *half;
	uint64_t  id; /* 0: no private half */
};

extern const OSSL_DISPATCH signer_rsa_key[], signer_ec_key[];
extern const OSSL_DISPATCH signer_rsa_signature[], signer_ec_signature[];

#define SIGNER_FUNCTION(number, function) {(number), (void (*)(void))(function)}

#endif
