/* Clear texts and digests without rounds. */
#include <errno.h>
#include <nettle/md5.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "authd/hash_cram.h"
#include "authd/hash_schemes.h"
#include "lib/base/encode.h"

union digest_context {
	struct md5_ctx    md5;
	struct sha1_ctx   sha1;
	struct sha256_ctx sha256;
	struct sha512_ctx sha512;
};

/* The digest's size tells which it is. */
static const struct nettle_hash *
digest_of(unsigned bytes)
{
	static const struct nettle_hash *const digests[] = {&nettle_md5, &nettle_sha1, &nettle_sha256, &nettle_sha512};
	for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
		if (digests[i]->digest_size == bytes)
			return digests[i];
	return NULL;
}

enum hash_result
verify_plain(const struct scheme *s, struct slice password, struct slice text, char *why)
{
	(void)s, (void)why;
	return hash_compared(password, text);
}

/* The text is the digest, then salt if there is any. */
enum hash_result
verify_digest(const struct scheme *s, struct slice password, struct slice text, char *why)
{
	const struct nettle_hash *hash = digest_of(s->bytes);
	struct slice salt = slice_from(text, s->bytes);
	if (hash == NULL || (!s->salted && salt.len > 0))
		return hash_unusable(why, "the stored password is longer than its hash");
	if (s->salted && salt.len == 0)
		return hash_too_short(why);
	union digest_context context;
	uint8_t made[SHA512_DIGEST_SIZE];
	hash->init(&context);
	hash->update(&context, password.len, (const uint8_t *)password.data);
	hash->update(&context, salt.len, (const uint8_t *)salt.data);
	hash->digest(&context, s->bytes, made);
	enum hash_result r = hash_compared(slice_make((const char *)made, s->bytes), slice_first(text, s->bytes));
	explicit_bzero(&context, sizeof context);
	explicit_bzero(made, sizeof made);
	return r;
}

enum hash_result
verify_cram(const struct scheme *s, struct slice password, struct slice text, char *why)
{
	char made[CRAM_SECRET];
	if (text.len > s->bytes)
		return hash_unusable(why, "the stored password is longer than its hash");
	cram_secret_of(password, made);
	enum hash_result r = hash_compared(slice_make(made, sizeof made), text);
	explicit_bzero(made, sizeof made);
	return r;
}

/* In base64, for a clear text may hold a blank, which the file of users cannot. */
char *
make_plain(const struct scheme *s, const char *password)
{
	(void)s;
	struct str made = STR_MOST(HASH_TEXT_MOST);
	str_append_text(&made, "{PLAIN.b64}");
	if (base64_encode(&made, slice_of(password)) && !made.failed)
		return made.data;
	str_free(&made);
	errno = ENOMEM;
	return NULL;
}
