#include "tlsd/binding.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/base/encode.h"

static void
add(struct str *into, const char *name, const unsigned char *bytes, size_t len)
{
	if (into->len > 0)
		str_append_byte(into, ' ');
	str_append_text(into, name);
	str_append_byte(into, '=');
	base64_encode(into, slice_make((const char *)bytes, len));
}

/*
 * TLS 1.3 knows no difference between an empty context and none; TLS 1.2 does
 * (RFC 5705 section 4), and there we say what GnuTLS and OpenSSL's users say: none.
 */
static void
add_exporter(struct str *into, SSL *ssl)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	unsigned char material[32];
	if (SSL_export_keying_material(ssl, material, sizeof material, label, sizeof label - 1, NULL, 0, 0) == 1)
		add(into, "tls-exporter", material, sizeof material);
}

/* The first Finished of the latest handshake: the client's, but ours where a session was resumed. */
static void
add_unique(struct str *into, SSL *ssl)
{
	unsigned char finished[EVP_MAX_MD_SIZE];
	size_t len = SSL_session_reused(ssl) ? SSL_get_finished(ssl, finished, sizeof finished)
	                                     : SSL_get_peer_finished(ssl, finished, sizeof finished);
	if (len > 0 && len <= sizeof finished)
		add(into, "tls-unique", finished, len);
}

/* The hash of the signature on our certificate, but SHA-256 for the broken ones; NULL when it has none (Ed25519). */
static const EVP_MD *
end_point_hash(X509 *certificate)
{
	int hash;
	if (X509_get_signature_info(certificate, &hash, NULL, NULL, NULL) != 1 || hash == NID_undef)
		return NULL;
	return hash == NID_md5 || hash == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(hash);
}

/* The digest of the certificate that this session was begun with; its length, 0 when there is none. */
static size_t
end_point(SSL *ssl, unsigned char *digest)
{
	void *kept;
	size_t kept_len;
	if (SSL_session_reused(ssl)) {
		if (SSL_SESSION_get0_ticket_appdata(SSL_get_session(ssl), &kept, &kept_len) != 1 || kept_len > EVP_MAX_MD_SIZE)
			return 0;
		memcpy(digest, kept, kept_len);
		return kept_len;
	}
	X509 *certificate = SSL_get_certificate(ssl);
	const EVP_MD *hash = certificate != NULL ? end_point_hash(certificate) : NULL;
	unsigned len;
	return hash != NULL && X509_digest(certificate, hash, digest, &len) == 1 ? len : 0;
}

static void
add_end_point(struct str *into, SSL *ssl)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t len = end_point(ssl, digest);
	if (len > 0)
		add(into, "tls-server-end-point", digest, len);
}

int
binding_keep(SSL *ssl, void *context)
{
	(void)context;
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t len = end_point(ssl, digest);
	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), digest, len);
}

void
binding_set(struct str *into, SSL *ssl)
{
	str_clear(into);
	bool newest = SSL_version(ssl) == TLS1_3_VERSION;
	bool extended = !newest && SSL_get_extms_support(ssl) == 1;
	if (newest || extended)
		add_exporter(into, ssl);
	if (extended)
		add_unique(into, ssl);
	add_end_point(into, ssl);
	if (into->failed) /* half of one would be a wrong one */
		str_clear(into);
	ERR_clear_error();
}
