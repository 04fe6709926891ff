#include "tlsd/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "tlsd/key_file.h"
#include "tlsd/names.h"
#include "tlsd/reason.h"
#include "tlsd/response.h"
#include "tlsd/when.h"

static bool
refuse(struct fault *fault, const char *file, const char *reason, const char *hint)
{
	*fault = (struct fault){.file = file, .hint = hint};
	snprintf(fault->reason, sizeof fault->reason, "%s", reason);
	ERR_clear_error();
	return false;
}

/* --- the chain ------------------------------------------------------------------------- */

static void
forget(STACK_OF(X509) *chain)
{
	sk_X509_pop_free(chain, X509_free);
}

/* All certificates of the text; NULL when a block cannot be read. What is between the blocks is a comment. */
static STACK_OF(X509) *
parse_chain(const char *text, size_t len)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	STACK_OF(X509) *chain = bio != NULL ? sk_X509_new_null() : NULL;
	for (X509 *one; chain != NULL && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL;)
		if (sk_X509_push(chain, one) <= 0)
			X509_free(one);
	BIO_free(bio);
	if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
		return chain;
	forget(chain);
	return NULL;
}

/* Whether each certificate was issued by the one behind it. */
static bool
in_order(STACK_OF(X509) *chain)
{
	for (int i = 0; i + 1 < sk_X509_num(chain); i++)
		if (X509_check_issued(sk_X509_value(chain, i + 1), sk_X509_value(chain, i)) != X509_V_OK)
			return false;
	return true;
}

static bool
fits_a_later_one(STACK_OF(X509) *chain, EVP_PKEY *key)
{
	for (int i = 1; i < sk_X509_num(chain); i++)
		if (X509_check_private_key(sk_X509_value(chain, i), key) == 1)
			return true;
	return false;
}

static bool
judge_chain(const struct pair *pair, STACK_OF(X509) *chain, const struct pair_files *files, struct fault *fault)
{
	if (chain == NULL)
		return refuse(fault, files->certificate, "it holds a block of PEM that cannot be read", "copy the file again");
	if (sk_X509_num(chain) == 0)
		return refuse(fault, files->certificate, "it holds no certificate in PEM",
		    "write the certificate first, then its chain");
	if (fits_a_later_one(chain, pair->key))
		return refuse(fault, files->certificate, "the certificates in it are not in order: the key belongs to a later one",
		    "the server's own certificate comes first, then its issuer's, and so on");
	if (X509_check_private_key(sk_X509_value(chain, 0), pair->key) != 1)
		return refuse(fault, files->key, "the key does not belong to the first certificate of the chain",
		    "the server's own certificate comes first; check that the files are of one renewal");
	if (!in_order(chain))
		return refuse(fault, files->certificate,
		    "the certificates in it are not in order: one is not signed by the one behind it",
		    "the server's own certificate comes first, then its issuer's, and so on; nothing else");
	return true;
}

static SSL_CTX *
context_of(struct pair_rules *rules)
{
	if (rules->context != NULL)
		return rules->context;
	rules->context = SSL_CTX_new(TLS_server_method());
	if (rules->context != NULL && profile_use(rules->profile, rules->context))
		return rules->context;
	pair_rules_free(rules);
	return NULL;
}

void
pair_rules_free(struct pair_rules *rules)
{
	SSL_CTX_free(rules->context);
	rules->context = NULL;
}

/* What OpenSSL asks of a certificate at its security level: the size of its key, the hash of its signature. */
static bool
judge_strength(const struct pair *pair, STACK_OF(X509) *chain, const struct pair_files *files, struct pair_rules *rules,
    struct fault *fault)
{
	SSL_CTX *context = context_of(rules);
	if (context == NULL)
		return refuse(fault, files->certificate, reason_in_words(), "this is trouble of this machine's; SIGHUP looks again");
	X509 *leaf = sk_X509_shift(chain);
	bool ok = SSL_CTX_use_cert_and_key(context, leaf, pair->key, chain, 1) == 1;
	sk_X509_unshift(chain, leaf);
	return ok || refuse(fault, files->certificate, reason_in_words(),
	    "have it issued anew with an RSA key of 2048 bits or an EC key and SHA-256");
}

/* Keeps the chain in DER: what else the file holds goes no further. */
static bool
keep_chain(struct pair *pair, STACK_OF(X509) *chain)
{
	struct str all = STR_MOST(PAIR_CHAIN_MOST);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		unsigned char *der = NULL;
		int len = i2d_X509(sk_X509_value(chain, i), &der);
		all.failed = len <= 0 || !str_append(&all, der, (size_t)len) || all.failed;
		OPENSSL_free(der);
	}
	if (all.failed)
		str_free(&all);
	pair->chain = all.data;
	pair->chain_len = all.len;
	return all.data != NULL;
}

static bool
describe(struct pair *pair, X509 *leaf)
{
	pair->names = STR_MOST(NAMES_MOST);
	pair->begins = when(X509_get0_notBefore(leaf));
	pair->ends = when(X509_get0_notAfter(leaf));
	return names_of(leaf, &pair->names);
}

static void
load_response(struct pair *pair, STACK_OF(X509) *chain, const char *file)
{
	size_t len;
	char *der = file_read_whole(AT_FDCWD, file, RESPONSE_MOST, &len);
	if (der == NULL) {
		pair->response_fault = errno != ENOENT ? strerror(errno) : NULL;
		return;
	}
	X509 *leaf = sk_X509_shift(chain);
	pair->response_fault = response_fault(slice_make(der, len), leaf, chain, clock_unix(), &pair->response_ends);
	sk_X509_unshift(chain, leaf);
	if (pair->response_fault != NULL) {
		free(der);
		return;
	}
	pair->response = der;
	pair->response_len = len;
}

static bool
load_chain(struct pair *pair, const struct pair_files *files, struct pair_rules *rules, struct fault *fault)
{
	size_t len;
	char *text = file_read_whole(AT_FDCWD, files->certificate, PAIR_CHAIN_MOST, &len);
	if (text == NULL)
		return refuse(fault, files->certificate, strerror(errno), "write the certificate and its chain there in PEM");
	STACK_OF(X509) *chain = parse_chain(text, len);
	OPENSSL_cleanse(text, len); /* a key may be in it too */
	free(text);
	bool ok = judge_chain(pair, chain, files, fault) && judge_strength(pair, chain, files, rules, fault);
	if (ok && !(keep_chain(pair, chain) && describe(pair, sk_X509_value(chain, 0))))
		ok = refuse(fault, files->certificate, "it is too large", "spread the names over several certificates");
	if (ok)
		load_response(pair, chain, files->response);
	forget(chain);
	ERR_clear_error();
	return ok;
}

bool
pair_load(struct pair *pair, const struct pair_files *files, struct pair_rules *rules, struct fault *fault)
{
	const char *hint;
	*pair = (struct pair){.key = NULL};
	const char *reason = key_file_load(files->key, &pair->key, pair->kind, sizeof pair->kind, &hint);
	if (reason != NULL)
		return refuse(fault, files->key, reason, hint);
	if (load_chain(pair, files, rules, fault))
		return true;
	pair_free(pair);
	return false;
}

void
pair_free(struct pair *pair)
{
	EVP_PKEY_free(pair->key);
	free(pair->chain);
	free(pair->response);
	str_free(&pair->names);
	*pair = (struct pair){.key = NULL};
}
