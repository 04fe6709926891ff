/* Keys of the provider: all questions go to the public half. */
#include "tlsd/signer_parts.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

static void *
key_new(void *provider)
{
	(void)provider;
	return calloc(1, sizeof(struct signer_key));
}

static void
key_free(void *data)
{
	struct signer_key *key = data;
	if (key == NULL)
		return;
	EVP_PKEY_free(key->half);
	free(key);
}

static int
key_has(const void *data, int selection)
{
	const struct signer_key *key = data;
	if (key->half == NULL)
		return 0;
	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || key->id != 0;
}

static int
key_match(const void *a, const void *b, int selection)
{
	(void)selection;
	const struct signer_key *one = a, *other = b;
	return one->half != NULL && other->half != NULL && EVP_PKEY_eq(one->half, other->half) == 1;
}

static int
import(struct signer_key *key, const char *kind, const OSSL_PARAM params[])
{
	const OSSL_PARAM *id = OSSL_PARAM_locate_const(params, SIGNER_PARAM_ID);
	if (id != NULL && !OSSL_PARAM_get_uint64(id, &key->id))
		return 0;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, "provider=default");
	int ok = context != NULL && EVP_PKEY_fromdata_init(context) > 0 &&
	    EVP_PKEY_fromdata(context, &key->half, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)(uintptr_t)params) > 0;
	EVP_PKEY_CTX_free(context);
	return ok;
}

static int
rsa_import(void *key, int selection, const OSSL_PARAM params[])
{
	(void)selection;
	return import(key, "RSA", params);
}

static int
ec_import(void *key, int selection, const OSSL_PARAM params[])
{
	(void)selection;
	return import(key, "EC", params);
}

/* Only the public half can leave, so OpenSSL's own provider never gets a key to sign with. */
static int
key_export(void *data, int selection, OSSL_CALLBACK *take, void *context)
{
	const struct signer_key *key = data;
	OSSL_PARAM *params = NULL;
	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) || key->half == NULL)
		return 0;
	if (EVP_PKEY_todata(key->half, EVP_PKEY_PUBLIC_KEY, &params) <= 0)
		return 0;
	int ok = take(params, context);
	OSSL_PARAM_free(params);
	return ok;
}

static int
key_get_params(void *data, OSSL_PARAM params[])
{
	const struct signer_key *key = data;
	return key->half != NULL && EVP_PKEY_get_params(key->half, params) > 0;
}

static const OSSL_PARAM *
key_gettable(void *provider)
{
	(void)provider;
	static const OSSL_PARAM known[] = {
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_END,
	};
	return known;
}

static const OSSL_PARAM *
rsa_types(int selection)
{
	(void)selection;
	static const OSSL_PARAM known[] = {
	    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
	    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
	    OSSL_PARAM_uint64(SIGNER_PARAM_ID, NULL),
	    OSSL_PARAM_END,
	};
	return known;
}

static const OSSL_PARAM *
ec_types(int selection)
{
	(void)selection;
	static const OSSL_PARAM known[] = {
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	    OSSL_PARAM_uint64(SIGNER_PARAM_ID, NULL),
	    OSSL_PARAM_END,
	};
	return known;
}

/* The name of the signatures that this kind of key makes, where it is not that of the key. */
static const char *
ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define KEY_FUNCTIONS(import_it, types)                                                                 \
	SIGNER_FUNCTION(OSSL_FUNC_KEYMGMT_NEW, key_new), SIGNER_FUNCTION(OSSL_FUNC_KEYMGMT_FREE, key_free),           \
	SIGNER_FUNCTION(OSSL_FUNC_KEYMGMT_HAS, key_has), SIGNER_FUNCTION(OSSL_FUNC_KEYMGMT_MATCH, key_match),         \
	SIGNER_FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, import_it), SIGNER_FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, types), \
	SIGNER_FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT, key_export), SIGNER_FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, types), \
	SIGNER_FUNCTION(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),                                         \
	SIGNER_FUNCTION(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable)

const OSSL_DISPATCH signer_rsa_key[] = {KEY_FUNCTIONS(rsa_import, rsa_types), {0, NULL}};
const OSSL_DISPATCH signer_ec_key[] = {
    KEY_FUNCTIONS(ec_import, ec_types),
    SIGNER_FUNCTION(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation),
    {0, NULL},
};
