#include "authd/hash_scram.h"

#include <errno.h>
#include <gsasl.h>
#include <nettle/hmac.h>
#include <nettle/pbkdf2.h>
#include <string.h>

#include "authd/hash_schemes.h"
#include "lib/base/encode.h"
#include "lib/base/number.h"
#include "lib/base/random.h"

#define ROUNDS_MOST 1000000 /* about a second */

size_t
scram_bytes(const char *class)
{
	return strcmp(class, "scram-sha-1") == 0 ? SHA1_DIGEST_SIZE : SHA256_DIGEST_SIZE;
}

/* --- the text --------------------------------------------------------------------------- */

static bool
take_key(struct slice *rest, size_t bytes, char *key)
{
	struct slice part;
	struct str decoded = STR_MOST(SCRAM_KEY_MOST);
	bool ok = slice_split(rest, ',', &part) && base64_decode(&decoded, part) && decoded.len == bytes;
	if (ok)
		memcpy(key, decoded.data, bytes);
	str_free(&decoded);
	return ok;
}

bool
scram_parse(struct scram_secret *s, size_t bytes, struct slice text, char why[HASH_WHY_MOST])
{
	struct slice rounds, salt, rest = text;
	*s = (struct scram_secret){.bytes = bytes, .salt = STR_MOST(SCRAM_SALT_MOST)};
	bool whole = slice_split(&rest, ',', &rounds) && slice_split(&rest, ',', &salt) &&
	    rest.len >= 2 * ((bytes + 2) / 3 * 4) + 1;
	if (!whole)
		hash_too_short(why);
	else if (!number_parse(rounds, ROUNDS_MOST, &s->rounds) || s->rounds == 0)
		hash_unusable(why, "the stored hash asks for too many rounds");
	else if (!base64_decode(&s->salt, salt) || !take_key(&rest, bytes, s->stored) ||
	    !take_key(&rest, bytes, s->server) || rest.len > 0)
		hash_unusable(why, "the stored password is no SCRAM text");
	else
		return true;
	return false;
}

bool
scram_text(const struct scram_secret *s, struct str *text)
{
	str_append_number(text, s->rounds);
	str_append_byte(text, ',');
	base64_encode(text, str_slice(&s->salt));
	str_append_byte(text, ',');
	base64_encode(text, slice_make(s->stored, s->bytes));
	str_append_byte(text, ',');
	return base64_encode(text, slice_make(s->server, s->bytes)) && !text->failed;
}

void
scram_forget(struct scram_secret *s)
{
	str_free(&s->salt);
	explicit_bzero(s, sizeof *s);
}

/* --- the keys ------------------------------------------------------------------------------ */

static void
hmac_text(size_t bytes, const uint8_t *key, const char *text, uint8_t *made)
{
	if (bytes == SHA1_DIGEST_SIZE) {
		struct hmac_sha1_ctx c;
		hmac_sha1_set_key(&c, bytes, key);
		hmac_sha1_update(&c, strlen(text), (const uint8_t *)text);
		hmac_sha1_digest(&c, bytes, made);
	} else {
		struct hmac_sha256_ctx c;
		hmac_sha256_set_key(&c, bytes, key);
		hmac_sha256_update(&c, strlen(text), (const uint8_t *)text);
		hmac_sha256_digest(&c, bytes, made);
	}
}

static void
digest(size_t bytes, const uint8_t *text, uint8_t *made)
{
	if (bytes == SHA1_DIGEST_SIZE) {
		struct sha1_ctx c;
		sha1_init(&c);
		sha1_update(&c, bytes, text);
		sha1_digest(&c, bytes, made);
	} else {
		struct sha256_ctx c;
		sha256_init(&c);
		sha256_update(&c, bytes, text);
		sha256_digest(&c, bytes, made);
	}
}

void
scram_derive(struct scram_secret *s, struct slice password)
{
	uint8_t salted[SCRAM_KEY_MOST], client[SCRAM_KEY_MOST];
	const uint8_t *salt = (const uint8_t *)str_text(&s->salt), *key = (const uint8_t *)password.data;
	if (s->bytes == SHA1_DIGEST_SIZE)
		pbkdf2_hmac_sha1(password.len, key, (unsigned)s->rounds, s->salt.len, salt, s->bytes, salted);
	else
		pbkdf2_hmac_sha256(password.len, key, (unsigned)s->rounds, s->salt.len, salt, s->bytes, salted);
	hmac_text(s->bytes, salted, "Client Key", client);
	digest(s->bytes, client, (uint8_t *)s->stored);
	hmac_text(s->bytes, salted, "Server Key", (uint8_t *)s->server);
	explicit_bzero(salted, sizeof salted);
	explicit_bzero(client, sizeof client);
}

/* --- the scheme ------------------------------------------------------------------------------ */

enum hash_result
verify_scram(const struct scheme *s, struct slice password, struct slice text, char *why)
{
	struct scram_secret kept, made;
	enum hash_result r = HASH_UNUSABLE;
	if (scram_parse(&kept, scram_bytes(s->class), text, why)) {
		made = kept;
		scram_derive(&made, password);
		r = hash_compared(slice_make(made.stored, made.bytes), slice_make(kept.stored, kept.bytes));
		explicit_bzero(&made, sizeof made);
	}
	scram_forget(&kept);
	return r;
}

/* Clients prepare the password (SASLprep) before they use it, so it is stored so. */
char *
make_scram(const struct scheme *s, const char *password)
{
	struct scram_secret secret = {.rounds = SCRAM_ROUNDS, .bytes = scram_bytes(s->class), .salt = STR_MOST(SCRAM_SALT)};
	struct str made = STR_MOST(HASH_TEXT_MOST);
	char salt[SCRAM_SALT], *prepared = NULL;
	random_bytes(salt, sizeof salt);
	bool fits = gsasl_saslprep(password, GSASL_ALLOW_UNASSIGNED, &prepared, NULL) == GSASL_OK;
	bool ok = str_append(&secret.salt, salt, sizeof salt);
	scram_derive(&secret, slice_of(fits ? prepared : password));
	ok = ok && str_append_format(&made, "{%s}", s->name) && scram_text(&secret, &made);
	if (fits)
		explicit_bzero(prepared, strlen(prepared));
	gsasl_free(prepared);
	scram_forget(&secret);
	if (ok)
		return made.data;
	str_free(&made);
	errno = ENOMEM;
	return NULL;
}
