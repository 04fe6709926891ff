#include "tlsd/context.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/base/log.h"
#include "tlsd/authorities.h"
#include "tlsd/reason.h"
#include "tlsd/signer.h"

/* Forward secrecy only: for the others the key process would have to decrypt. */
#define CIPHERS_TLS12   "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!SHA1:!aNULL"
#define SESSION_SECONDS 3600
#define TICKET_KEYS     80 /* what OpenSSL calls name, HMAC key and AES key */

static SSL_CTX *
refuse(SSL_CTX *context, const char *step)
{
	log_error("context-failed", log_text("step", step), log_text("reason", reason_in_words()));
	SSL_CTX_free(context);
	return NULL;
}

/*
 * A ticket does not say who the client is: who showed a certificate shakes
 * hands in full each time. So a name is always one that was verified today, by
 * the authorities and revocations that count now, and not at the ticket's making.
 */
static SSL_TICKET_RETURN
judge_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_len, SSL_TICKET_STATUS status,
    void *context)
{
	(void)ssl, (void)name, (void)name_len, (void)context;
	bool readable = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
	if (!readable || SSL_SESSION_get0_peer(session) != NULL)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

static bool
set_rules(SSL_CTX *context)
{
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_QUERY_MTU);
	SSL_CTX_set_mode(context,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Sessions live in tickets: children share nothing but the keys of those. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(context, SESSION_SECONDS);
	SSL_CTX_set_read_ahead(context, 1);
	static const unsigned char name[] = "postern";
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) && SSL_CTX_set_num_tickets(context, 1) &&
	    SSL_CTX_set_cipher_list(context, CIPHERS_TLS12) &&
	    SSL_CTX_set_session_ticket_cb(context, NULL, judge_ticket, NULL) &&
	    SSL_CTX_set_session_id_context(context, name, sizeof name - 1);
}

static bool
take_ticket_keys(SSL_CTX *context, SSL_CTX *before)
{
	unsigned char keys[TICKET_KEYS];
	if (before == NULL)
		return true;
	bool ok = SSL_CTX_get_tlsext_ticket_keys(before, keys, sizeof keys) == 1 &&
	    SSL_CTX_set_tlsext_ticket_keys(context, keys, sizeof keys) == 1;
	OPENSSL_cleanse(keys, sizeof keys);
	return ok;
}

/* The certificate itself, and the key process as the holder of its key. */
static bool
use_certificate(SSL_CTX *context, BIO *pem, uint64_t id)
{
	X509 *leaf = PEM_read_bio_X509(pem, NULL, NULL, NULL);
	EVP_PKEY *key = leaf != NULL ? signer_key(X509_get0_pubkey(leaf), id) : NULL;
	bool ok = key != NULL && SSL_CTX_use_certificate(context, leaf) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1;
	EVP_PKEY_free(key);
	X509_free(leaf);
	return ok;
}

static bool
use_chain(SSL_CTX *context, struct slice chain, uint64_t id)
{
	BIO *pem = BIO_new_mem_buf(chain.data, (int)chain.len);
	bool ok = pem != NULL && use_certificate(context, pem, id);
	for (X509 *above; ok && (above = PEM_read_bio_X509(pem, NULL, NULL, NULL)) != NULL;) {
		ok = SSL_CTX_add0_chain_cert(context, above) == 1;
		if (!ok)
			X509_free(above);
	}
	BIO_free(pem);
	if (ok)
		ERR_clear_error(); /* "no start line" at the end of the file */
	return ok;
}

/* Any name will do while there is one certificate; a callback makes OpenSSL keep the name for the log. */
static int
accept_name(SSL *ssl, int *alert, void *context)
{
	(void)ssl, (void)alert, (void)context;
	return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *
context_make(struct slice chain, uint64_t id, struct slice authorities, SSL_CTX *before)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	if (context == NULL || !set_rules(context))
		return refuse(context, "rules");
	if (!take_ticket_keys(context, before))
		return refuse(context, "ticket keys");
	if (!use_chain(context, chain, id))
		return refuse(context, "certificate");
	if (!authorities_use(context, authorities))
		return refuse(context, "client_ca");
	SSL_CTX_set_tlsext_servername_callback(context, accept_name);
	return context;
}
