#include "tlsd/present.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "lib/base/clock.h"
#include "tlsd/signer.h"

/*
 * One certificate with its chain and the key process as the holder of its key.
 * Only those that a session needs are made of their DER: ten thousand of them
 * cost ten thousand times their bytes and no more.
 */
struct parsed {
	X509           *leaf;
	EVP_PKEY       *key;
	STACK_OF(X509) *above;
};

static void
forget(struct parsed *p)
{
	X509_free(p->leaf);
	EVP_PKEY_free(p->key);
	sk_X509_pop_free(p->above, X509_free);
}

static bool
parse(const struct certificate *c, struct parsed *p)
{
	const unsigned char *at = (const unsigned char *)c->chain, *end = at + c->chain_len;
	*p = (struct parsed){.leaf = d2i_X509(NULL, &at, end - at), .above = sk_X509_new_null()};
	bool ok = p->leaf != NULL && p->above != NULL;
	while (ok && at < end) {
		X509 *one = d2i_X509(NULL, &at, end - at);
		ok = one != NULL && sk_X509_push(p->above, one) > 0;
		if (!ok)
			X509_free(one);
	}
	if (ok)
		p->key = signer_key(X509_get0_pubkey(p->leaf), c->id);
	return ok && p->key != NULL;
}

static bool
use_in_context(SSL_CTX *context, const struct certificate *c)
{
	struct parsed p;
	bool ok = parse(c, &p) && SSL_CTX_use_certificate(context, p.leaf) == 1 &&
	    SSL_CTX_use_PrivateKey(context, p.key) == 1 && SSL_CTX_set1_chain(context, p.above) == 1;
	forget(&p);
	return ok;
}

static bool
use_in_session(SSL *ssl, const struct certificate *c)
{
	struct parsed p;
	bool ok = parse(c, &p) && SSL_use_certificate(ssl, p.leaf) == 1 && SSL_use_PrivateKey(ssl, p.key) == 1 &&
	    SSL_set1_chain(ssl, p.above) == 1;
	forget(&p);
	return ok;
}

/* --- callbacks --------------------------------------------------------------------------- */

/* Any name will do, the default is for those we do not know; a callback makes OpenSSL keep the name for the log. */
static int
accept_name(SSL *ssl, int *alert, void *context)
{
	(void)ssl, (void)alert, (void)context;
	return SSL_TLSEXT_ERR_OK;
}

static bool
is_same(const struct shelf_choice *a, const struct shelf_choice *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* Called when the name is known. 1: go on, 0: fail. */
static int
choose(SSL *ssl, void *context)
{
	const struct shelf *shelf = context;
	struct shelf_choice standard = shelf_default(shelf);
	struct shelf_choice choice = shelf_find(shelf, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	if (is_same(&choice, &standard))
		return 1; /* the session has them of its context */
	SSL_certs_clear(ssl);
	for (int k = 0; k < SHELF_KINDS; k++)
		if (choice.of[k] != NULL && !use_in_session(ssl, choice.of[k]))
			return 0;
	return 1;
}

static bool
shows(SSL *ssl, const struct certificate *c)
{
	unsigned char *der = NULL;
	int len = c != NULL ? i2d_X509(SSL_get_certificate(ssl), &der) : 0;
	bool same = len > 0 && (size_t)len <= c->chain_len && memcmp(der, c->chain, (size_t)len) == 0;
	OPENSSL_free(der);
	return same;
}

/* RFC 6066 section 8: the client asks for the status of the certificate that it is shown. */
static int
staple(SSL *ssl, void *context)
{
	const struct shelf *shelf = context;
	struct shelf_choice choice = shelf_find(shelf, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	for (int k = 0; k < SHELF_KINDS; k++) {
		const struct certificate *c = choice.of[k];
		if (!shows(ssl, c) || c->response == NULL || c->response_ends <= clock_unix())
			continue;
		unsigned char *own = OPENSSL_memdup(c->response, c->response_len);
		if (own == NULL)
			break;
		SSL_set_tlsext_status_ocsp_resp(ssl, own, (long)c->response_len);
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

bool
present_use(SSL_CTX *context, const struct shelf *shelf)
{
	struct shelf_choice standard = shelf_default(shelf);
	for (int k = 0; k < SHELF_KINDS; k++)
		if (standard.of[k] != NULL && !use_in_context(context, standard.of[k]))
			return false;
	void *argument = (void *)(uintptr_t)shelf;
	SSL_CTX_set_cert_cb(context, choose, argument);
	SSL_CTX_set_tlsext_servername_callback(context, accept_name);
	return SSL_CTX_set_tlsext_status_cb(context, staple) == 1 && SSL_CTX_set_tlsext_status_arg(context, argument) == 1;
}
