#include "tlsd/signer.h"

#include <openssl/core_dispatch.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "tlsd/signer_parts.h"

static const OSSL_ALGORITHM key_kinds[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", SIGNER_PROPERTIES, signer_rsa_key, NULL},
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", SIGNER_PROPERTIES, signer_ec_key, NULL},
    {NULL, NULL, NULL, NULL},
};
static const OSSL_ALGORITHM signature_kinds[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", SIGNER_PROPERTIES, signer_rsa_signature, NULL},
    {"ECDSA", SIGNER_PROPERTIES, signer_ec_signature, NULL},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *
query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return key_kinds;
	return operation == OSSL_OP_SIGNATURE ? signature_kinds : NULL;
}

static const OSSL_DISPATCH provider_functions[] = {
    SIGNER_FUNCTION(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
    {0, NULL},
};

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **context)
{
	*out = provider_functions;
	*context = (void *)(uintptr_t)handle; /* OpenSSL wants one that is not NULL */
	(void)in;
	return 1;
}

/* --- for the acceptor ------------------------------------------------------------------- */

bool
signer_install(void)
{
	/* All that is not asked of us by name stays with OpenSSL. */
	return OSSL_PROVIDER_load(NULL, "default") != NULL &&
	    OSSL_PROVIDER_add_builtin(NULL, "postern", provider_init) == 1 &&
	    OSSL_PROVIDER_load(NULL, "postern") != NULL && EVP_set_default_properties(NULL, "?provider=default") == 1;
}

/* The parameters of the public half, and the id behind them. NULL when there is no memory. */
static OSSL_PARAM *
params_with_id(const EVP_PKEY *half, uint64_t *id)
{
	OSSL_PARAM *params = NULL;
	if (EVP_PKEY_todata(half, EVP_PKEY_PUBLIC_KEY, &params) <= 0)
		return NULL;
	OSSL_PARAM add[2] = {OSSL_PARAM_construct_uint64(SIGNER_PARAM_ID, id), OSSL_PARAM_construct_end()};
	OSSL_PARAM *all = OSSL_PARAM_merge(params, add);
	OSSL_PARAM *own = all != NULL ? OSSL_PARAM_dup(all) : NULL;
	OSSL_PARAM_free(params);
	OPENSSL_free(all); /* merge borrows, so only the array is its own */
	return own;
}

EVP_PKEY *
signer_key(const EVP_PKEY *half, uint64_t id)
{
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params = params_with_id(half, &id);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, EVP_PKEY_get0_type_name(half), SIGNER_PROPERTIES);
	if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) <= 0 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return key;
}
