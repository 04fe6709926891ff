/* Signatures of the provider: each is asked for over the channel to the key process (keys.h). */
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "lib/ipc/packet.h"
#include "tlsd/signer.h"
#include "tlsd/signer_parts.h"

static int           channel = -1;
static int           patience;
static struct packet packet; /* too large for the stack of a library's callback */

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

static void *
operation_new(void *provider, const char *properties)
{
	(void)provider, (void)properties;
	return OPENSSL_zalloc(sizeof(struct operation));
}

static void
operation_free(void *operation)
{
	OPENSSL_free(operation);
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

#define SIGNATURE_FUNCTIONS(begin_it)                                                                    \
	SIGNER_FUNCTION(OSSL_FUNC_SIGNATURE_NEWCTX, operation_new),                                            \
	SIGNER_FUNCTION(OSSL_FUNC_SIGNATURE_FREECTX, operation_free),                                          \
	SIGNER_FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, begin_it),                                       \
	SIGNER_FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign),                                                \
	SIGNER_FUNCTION(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, operation_set),                                    \
	SIGNER_FUNCTION(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, operation_settable)


const OSSL_DISPATCH signer_rsa_signature[] = {SIGNATURE_FUNCTIONS(rsa_begin), {0, NULL}};
const OSSL_DISPATCH signer_ec_signature[] = {SIGNATURE_FUNCTIONS(ec_begin), {0, NULL}};
