#include "tlsd/signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "lib/ipc/packet.h"

#define PROPERTIES "provider=postern"
#define PARAM_ID   "postern-key"

static int           channel = -1;
static int           patience;
static struct packet packet; /* too large for the stack of a library's callback */

/* What OpenSSL calls key data: the public half, a key of OpenSSL's own provider, and where the rest is. */
struct signer_key {
	EVP_PKEY *half;
	uint64_t  id; /* 0: no private half */
};

struct operation {
	const struct signer_key *key;
	char                     hash[16];
	const char              *padding;
};

void
signer_use_channel(int fd, int timeout)
{
	channel = fd;
	patience = timeout;
}

/* --- keys: all questions go to the public half ------------------------------------- */

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
	const OSSL_PARAM *id = OSSL_PARAM_locate_const(params, PARAM_ID);
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
	    OSSL_PARAM_uint64(PARAM_ID, NULL),
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
	    OSSL_PARAM_uint64(PARAM_ID, NULL),
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

/* --- signatures --------------------------------------------------------------------- */

static void *
operation_new(void *provider, const char *properties)
{
	(void)provider, (void)properties;
	return calloc(1, sizeof(struct operation));
}

static void
operation_free(void *operation)
{
	free(operation);
}

/* OpenSSL names the padding by number or by text, as the caller did. */
static const char *
padding_of(const OSSL_PARAM *p)
{
	int number = 0;
	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		return strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0 ? "pss" : "pkcs1";
	if (!OSSL_PARAM_get_int(p, &number))
		return NULL;
	return number == RSA_PKCS1_PSS_PADDING ? "pss" : number == RSA_PKCS1_PADDING ? "pkcs1" : NULL;
}

static int
operation_set(void *data, const OSSL_PARAM params[])
{
	struct operation *operation = data;
	const OSSL_PARAM *p = params != NULL ? OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE) : NULL;
	if (p != NULL)
		operation->padding = padding_of(p);
	return operation->padding != NULL; /* the salt of PSS is always as long as the hash, as TLS has it */
}

static const OSSL_PARAM *
operation_settable(void *data, void *provider)
{
	(void)data, (void)provider;
	static const OSSL_PARAM known[] = {
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
	    OSSL_PARAM_END,
	};
	return known;
}

static int
begin(struct operation *operation, const char *hash, const struct signer_key *key, const char *padding)
{
	if (hash == NULL || strlen(hash) >= sizeof operation->hash)
		return 0;
	/* One hash has two names. */
	snprintf(operation->hash, sizeof operation->hash, "%s", hash);
	if (strncmp(hash, "SHA2-", 5) == 0)
		snprintf(operation->hash, sizeof operation->hash, "SHA%s", hash + 5);
	operation->key = key;
	operation->padding = padding;
	return 1;
}

static int
rsa_begin(void *operation, const char *hash, void *key, const OSSL_PARAM params[])
{
	return begin(operation, hash, key, "pkcs1") && operation_set(operation, params);
}

static int
ec_begin(void *operation, const char *hash, void *key, const OSSL_PARAM params[])
{
	return begin(operation, hash, key, "none") && operation_set(operation, params);
}

static bool
ask(const struct operation *operation, struct slice bytes)
{
	packet_begin(&packet, "sign");
	packet_add_number(&packet, operation->key->id);
	packet_add_text(&packet, operation->hash);
	packet_add_text(&packet, operation->padding);
	packet_add_rest(&packet, bytes);
	return packet_call(channel, &packet, patience) && strcmp(packet_verb(&packet), "ok") == 0;
}

static int
sign(void *data, unsigned char *signature, size_t *len, size_t room, const unsigned char *bytes, size_t count)
{
	const struct operation *operation = data;
	if (signature == NULL) {
		*len = (size_t)EVP_PKEY_get_size(operation->key->half);
		return 1;
	}
	if (!ask(operation, slice_make((const char *)bytes, count)))
		return 0;
	struct slice answer = packet_rest(&packet);
	if (answer.len == 0 || answer.len > room)
		return 0;
	memcpy(signature, answer.data, answer.len);
	*len = answer.len;
	return 1;
}

/* --- tables --------------------------------------------------------------------------- */

#define FUNCTION(number, function) {(number), (void (*)(void))(function)}
#define KEY_FUNCTIONS(import_it, types)                                                                 \
	FUNCTION(OSSL_FUNC_KEYMGMT_NEW, key_new), FUNCTION(OSSL_FUNC_KEYMGMT_FREE, key_free),           \
	FUNCTION(OSSL_FUNC_KEYMGMT_HAS, key_has), FUNCTION(OSSL_FUNC_KEYMGMT_MATCH, key_match),         \
	FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, import_it), FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, types), \
	FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT, key_export), FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, types), \
	FUNCTION(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),                                         \
	FUNCTION(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable)
#define SIGNATURE_FUNCTIONS(begin_it)                                                                    \
	FUNCTION(OSSL_FUNC_SIGNATURE_NEWCTX, operation_new),                                            \
	FUNCTION(OSSL_FUNC_SIGNATURE_FREECTX, operation_free),                                          \
	FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, begin_it),                                       \
	FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign),                                                \
	FUNCTION(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, operation_set),                                    \
	FUNCTION(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, operation_settable), {0, NULL}

static const OSSL_DISPATCH rsa_key[] = {KEY_FUNCTIONS(rsa_import, rsa_types), {0, NULL}};
static const OSSL_DISPATCH ec_key[] = {
    KEY_FUNCTIONS(ec_import, ec_types),
    FUNCTION(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation),
    {0, NULL},
};
static const OSSL_DISPATCH rsa_signature[] = {SIGNATURE_FUNCTIONS(rsa_begin)};
static const OSSL_DISPATCH ec_signature[] = {SIGNATURE_FUNCTIONS(ec_begin)};

static const OSSL_ALGORITHM key_kinds[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES, rsa_key, NULL},
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", PROPERTIES, ec_key, NULL},
    {NULL, NULL, NULL, NULL},
};
static const OSSL_ALGORITHM signature_kinds[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES, rsa_signature, NULL},
    {"ECDSA", PROPERTIES, ec_signature, NULL},
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
    FUNCTION(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
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
	OSSL_PARAM add[2] = {OSSL_PARAM_construct_uint64(PARAM_ID, id), OSSL_PARAM_construct_end()};
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
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, EVP_PKEY_get0_type_name(half), PROPERTIES);
	if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) <= 0 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return key;
}
