/* The key process's signatures, one on each child's channel. */
#include "tlsd/keys.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "lib/base/log.h"
#include "lib/ipc/loop.h"
#include "tlsd/stock.h"

static struct {
	bool          old_hashes;
	struct packet packet;
	unsigned char signature[1024];
} signer;

struct channel {
	struct watch watch;
};

void
keys_allow_old_hashes(bool allow)
{
	signer.old_hashes = allow;
}

static bool
hash_is_known(const char *hash)
{
	static const char *const old[] = {"SHA1", "MD5-SHA1"}, *const today[] = {"SHA256", "SHA384", "SHA512"};
	for (size_t i = 0; i < 3; i++)
		if (strcmp(hash, today[i]) == 0)
			return true;
	return signer.old_hashes && (strcmp(hash, old[0]) == 0 || strcmp(hash, old[1]) == 0);
}

static bool
set_padding(EVP_PKEY_CTX *operation, const char *padding, bool rsa)
{
	if (padding == NULL || rsa == (strcmp(padding, "none") == 0))
		return false;
	if (strcmp(padding, "pss") != 0)
		return strcmp(padding, "pkcs1") == 0 || strcmp(padding, "none") == 0;
	return EVP_PKEY_CTX_set_rsa_padding(operation, RSA_PKCS1_PSS_PADDING) > 0 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(operation, RSA_PSS_SALTLEN_DIGEST) > 0;
}

/* Signs into signer.signature; returns its length, 0 when it failed. */
static size_t
sign(EVP_PKEY *key, const char *hash, const char *padding, struct slice bytes)
{
	size_t len = sizeof signer.signature;
	EVP_PKEY_CTX *operation;
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool ok = digest != NULL && EVP_DigestSignInit_ex(digest, &operation, hash, NULL, NULL, key, NULL) > 0 &&
	    set_padding(operation, padding, EVP_PKEY_is_a(key, "RSA")) &&
	    EVP_DigestSign(digest, signer.signature, &len, (const unsigned char *)bytes.data, bytes.len) > 0;
	EVP_MD_CTX_free(digest);
	ERR_clear_error();
	return ok ? len : 0;
}

/* The answer to one `sign`; false when it was not a request that a child of ours makes. */
static bool
answer_sign(struct packet *p)
{
	uint64_t id;
	if (strcmp(packet_verb(p), "sign") != 0 || !packet_field_number(p, UINT64_MAX, &id))
		return false;
	const char *hash = packet_field(p);
	const char *padding = packet_field(p);
	struct slice bytes = packet_rest(p);
	EVP_PKEY *key = stock_key(id);
	if (key == NULL || hash == NULL || !hash_is_known(hash) || padding == NULL || !keys_may_sign(bytes))
		return false;
	size_t len = sign(key, hash, padding, bytes);
	packet_begin(p, len > 0 ? "ok" : "no");
	packet_add_rest(p, slice_make((const char *)signer.signature, len));
	return true;
}

static void
channel_ready(struct watch *w, uint32_t events)
{
	(void)events;
	enum packet_result r = packet_receive(w->fd, &signer.packet);
	if (r == PACKET_WAIT)
		return;
	packet_close_descriptors(&signer.packet);
	if (r == PACKET_OK && answer_sign(&signer.packet))
		packet_send(w->fd, &signer.packet);
	else if (r != PACKET_END)
		log_warning("signature-refused", log_text("reason", "not what a handshake asks for"));
	loop_remove(w);
	close(w->fd);
	free(w);
}

void
keys_add_channel(int fd)
{
	struct channel *c = fd >= 0 ? calloc(1, sizeof *c) : NULL;
	if (c != NULL) {
		c->watch = (struct watch){.fd = fd, .ready = channel_ready};
		if (loop_add(&c->watch, EPOLLIN))
			return;
	}
	if (fd >= 0)
		close(fd);
	free(c);
}
