#include "tlsd/authorities.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/log.h"
#include "lib/base/settings.h"

#define DEPTH_MOST 9 /* certificates between the client's and the CA's: each costs a signature to check */

/* --- reading, in the key process ------------------------------------------------------ */

static int
no_passphrase(char *into, int room, int writing, void *context)
{
	(void)into, (void)room, (void)writing, (void)context;
	return -1;
}

/* NULL when a block of it cannot be read. What is between the blocks is a comment. */
static STACK_OF(X509_INFO) *
parse(struct slice pem)
{
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	STACK_OF(X509_INFO) *all = bio != NULL ? PEM_X509_INFO_read_bio(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	return all;
}

static void
forget(STACK_OF(X509_INFO) *all)
{
	sk_X509_INFO_pop_free(all, X509_INFO_free);
}

/* NULL when it is fit, else what is wrong with it. */
static const char *
fault_of(STACK_OF(X509_INFO) *all)
{
	int certificates = 0;
	for (int i = 0; i < sk_X509_INFO_num(all); i++) {
		X509 *certificate = sk_X509_INFO_value(all, i)->x509;
		if (certificate != NULL && X509_check_ca(certificate) == 0)
			return "it holds a certificate that is not a CA's";
		certificates += certificate != NULL;
	}
	return certificates == 0 ? "it holds no certificate in PEM" : NULL;
}

static const char *
check(const struct authorities *a)
{
	if (strlen(a->pem) != a->len)
		return "it is not text in PEM";
	if (strstr(a->pem, "PRIVATE KEY-----") != NULL)
		return "it holds a private key";
	STACK_OF(X509_INFO) *all = parse(slice_make(a->pem, a->len));
	const char *fault = all != NULL ? fault_of(all) : "it holds a block of PEM that cannot be read";
	forget(all);
	ERR_clear_error();
	return fault;
}

bool
authorities_load(struct authorities *a, const char *file, bool quiet)
{
	*a = (struct authorities){.pem = NULL};
	if (file[0] == '\0')
		return true;
	a->pem = settings_read_file(file, AUTHORITIES_MOST, &a->len);
	const char *fault = a->pem != NULL ? check(a) : strerror(errno);
	if (fault == NULL)
		return true;
	if (!quiet)
		log_error("client-ca-refused", log_text("file", file), log_text("reason", fault),
		    log_text("hint", "write the certificates of the CAs that sign your clients' there in PEM, and nothing else but their CRLs"));
	authorities_free(a);
	return false;
}

void
authorities_free(struct authorities *a)
{
	if (a->pem != NULL)
		OPENSSL_cleanse(a->pem, a->len); /* it may have been refused for a private key in it */
	free(a->pem);
	*a = (struct authorities){.pem = NULL};
}

/* --- using, in the acceptor and its children ------------------------------------------- */

/*
 * Verifies as OpenSSL does, chain, time and purpose, and stops at the first
 * fault, which stays with the session. A verify callback, the other way to go
 * on, is called again after a fault, and its last word would count.
 */
static int
verify(X509_STORE_CTX *chain, void *context)
{
	(void)context;
	if (X509_verify_cert(chain) <= 0 && X509_STORE_CTX_get_error(chain) == X509_V_OK)
		X509_STORE_CTX_set_error(chain, X509_V_ERR_UNSPECIFIED);
	ERR_clear_error();
	return 1;
}

/* The certificate may sign, and clients are told its name so that they choose one that it signed. */
static bool
trust(SSL_CTX *context, X509 *authority)
{
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) == 1 &&
	    SSL_CTX_add_client_CA(context, authority) == 1;
}

/* With one list, each certificate needs one that says of it that it is not revoked. */
static bool
heed(SSL_CTX *context, X509_CRL *revoked)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	return X509_STORE_add_crl(store, revoked) == 1 && X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) == 1;
}

static bool
take_all(SSL_CTX *context, STACK_OF(X509_INFO) *all)
{
	for (int i = 0; i < sk_X509_INFO_num(all); i++) {
		const X509_INFO *one = sk_X509_INFO_value(all, i);
		if ((one->x509 != NULL && !trust(context, one->x509)) || (one->crl != NULL && !heed(context, one->crl)))
			return false;
	}
	return true;
}

bool
authorities_use(SSL_CTX *context, struct slice pem)
{
	if (pem.len == 0)
		return true;
	STACK_OF(X509_INFO) *all = parse(pem);
	/* All in the file are trusted, an issuing CA without the root above it too. */
	bool ok = all != NULL && take_all(context, all) &&
	    X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN) == 1;
	forget(all);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_verify_depth(context, DEPTH_MOST);
	SSL_CTX_set_cert_verify_callback(context, verify, NULL);
	return ok;
}
