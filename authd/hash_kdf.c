/* PBKDF2 in Dovecot's form, and Argon2 in the form of its reference implementation. */
#include <argon2.h>
#include <errno.h>
#include <nettle/pbkdf2.h>
#include <nettle/sha1.h>
#include <string.h>

#include "authd/hash_schemes.h"
#include "lib/base/encode.h"
#include "lib/base/number.h"
#include "lib/base/random.h"

/* Two seconds and half of a worker's memory, on a slow machine. */
#define PBKDF2_ROUNDS_MOST 1000000
#define ARGON2_MEMORY_MOST (192u << 10) /* KiB */
#define ARGON2_WORK_MOST   (2u << 20)   /* KiB times passes */
#define ARGON2_LANES_MOST  64
#define ARGON2_BYTES_LEAST 16           /* of salt and hash: 8 and 16; with fewer it was cut */
#define ARGON2_BYTES_MOST  128
#define ARGON2_LONGEST     512          /* bytes of an encoded text */

/* --- PBKDF2: $1$SALT$ROUNDS$HEX ------------------------------------------------------------ */

enum hash_result
verify_pbkdf2(const struct scheme *s, struct slice password, struct slice text, char *why)
{
	(void)s;
	struct slice salt, number;
	uint64_t rounds;
	if (!slice_starts(text, "$1$"))
		return text.len < 3 ? hash_too_short(why) : hash_unusable(why, "the stored password is no PBKDF2 text");
	struct slice rest = slice_from(text, 3);
	if (!slice_split(&rest, '$', &salt) || !slice_split(&rest, '$', &number) || rest.len < 2 * SHA1_DIGEST_SIZE)
		return hash_too_short(why);
	if (rest.len > 2 * SHA1_DIGEST_SIZE)
		return hash_unusable(why, "the stored password is longer than its hash");
	if (!number_parse(number, PBKDF2_ROUNDS_MOST, &rounds) || rounds == 0)
		return hash_unusable(why, "the stored hash asks for too many rounds");
	uint8_t made[SHA1_DIGEST_SIZE];
	pbkdf2_hmac_sha1(password.len, (const uint8_t *)password.data, (unsigned)rounds, salt.len, (const uint8_t *)salt.data,
	    sizeof made, made);
	struct str hex = STR_MOST(2 * sizeof made);
	enum hash_result r = hex_encode(&hex, slice_make((const char *)made, sizeof made))
	    ? hash_compared(str_slice(&hex), rest) : hash_unusable(why, "no memory");
	str_free(&hex);
	return r;
}

/* --- Argon2: $argon2id$v=19$m=65536,t=3,p=1$SALT$HASH ---------------------------------------- */

struct argon2_text {
	argon2_type type;
	uint64_t    version, memory, passes, lanes;
	struct str  salt, hash;
};

/* NAME=NUMBER, up to the separator. */
static bool
take_named(struct slice *rest, char separator, const char *name, uint64_t *number)
{
	struct slice part;
	return slice_split(rest, separator, &part) && slice_starts(part, name) &&
	    number_parse(slice_from(part, strlen(name)), UINT32_MAX, number);
}

/* Base64 as Argon2 has it, without the padding. */
static bool
take_base64(struct slice *rest, struct str *bytes)
{
	struct slice part;
	struct str padded = STR_MOST(ARGON2_LONGEST);
	bool ok = slice_split(rest, '$', &part) && str_append_slice(&padded, part);
	while (ok && padded.len % 4 != 0)
		ok = str_append_byte(&padded, '=');
	ok = ok && base64_decode(bytes, str_slice(&padded));
	str_free(&padded);
	return ok;
}

static bool
parse_argon2(struct argon2_text *a, struct slice rest)
{
	struct slice nothing, name;
	a->version = ARGON2_VERSION_10;
	if (!slice_split(&rest, '$', &nothing) || nothing.len > 0 || !slice_split(&rest, '$', &name))
		return false;
	if (!slice_is(name, "argon2i") && !slice_is(name, "argon2id"))
		return false;
	a->type = slice_is(name, "argon2i") ? Argon2_i : Argon2_id;
	if (slice_starts(rest, "v=") && !take_named(&rest, '$', "v=", &a->version))
		return false;
	return take_named(&rest, ',', "m=", &a->memory) && take_named(&rest, ',', "t=", &a->passes) &&
	    take_named(&rest, '$', "p=", &a->lanes) && take_base64(&rest, &a->salt) && take_base64(&rest, &a->hash) &&
	    rest.len == 0;
}

static bool
argon2_bound(const struct argon2_text *a)
{
	return a->memory <= ARGON2_MEMORY_MOST && a->passes <= ARGON2_WORK_MOST && a->lanes <= ARGON2_LANES_MOST &&
	    a->memory * a->passes <= ARGON2_WORK_MOST;
}

/* In this thread alone: a confined worker may not start others. */
static int
run_argon2(const struct argon2_text *a, struct slice password, uint8_t *made)
{
	argon2_context c = {
	    .out = made, .outlen = (uint32_t)a->hash.len,
	    .pwd = (uint8_t *)(uintptr_t)password.data, .pwdlen = (uint32_t)password.len,
	    .salt = (uint8_t *)a->salt.data, .saltlen = (uint32_t)a->salt.len,
	    .t_cost = (uint32_t)a->passes, .m_cost = (uint32_t)a->memory, .lanes = (uint32_t)a->lanes, .threads = 1,
	    .version = (uint32_t)a->version,
	};
	return argon2_ctx(&c, a->type);
}

static enum hash_result
compare_argon2(const struct argon2_text *a, struct slice password, char *why)
{
	uint8_t made[ARGON2_BYTES_MOST];
	int r = run_argon2(a, password, made);
	if (r == ARGON2_MEMORY_ALLOCATION_ERROR)
		return hash_unusable(why, "the stored hash asks for more memory than a worker has");
	if (r != ARGON2_OK)
		return hash_unusable(why, argon2_error_message(r));
	enum hash_result result = hash_compared(slice_make((const char *)made, a->hash.len), str_slice(&a->hash));
	explicit_bzero(made, sizeof made);
	return result;
}

enum hash_result
verify_argon2(const struct scheme *s, struct slice password, struct slice text, char *why)
{
	(void)s;
	struct argon2_text a = {.salt = STR_MOST(ARGON2_BYTES_MOST), .hash = STR_MOST(ARGON2_BYTES_MOST)};
	enum hash_result r;
	if (!parse_argon2(&a, text))
		r = hash_unusable(why, "the stored password is no Argon2 text, or was cut by its column");
	else if (!argon2_bound(&a))
		r = hash_unusable(why, "the stored hash asks for too much memory or time");
	else if (a.hash.len < ARGON2_BYTES_LEAST)
		r = hash_too_short(why);
	else
		r = compare_argon2(&a, password, why);
	str_free(&a.salt);
	str_free(&a.hash);
	return r;
}

char *
make_argon2(const struct scheme *s, const char *password)
{
	char salt[16], text[ARGON2_LONGEST];
	struct str made = STR_MOST(HASH_TEXT_MOST);
	random_bytes(salt, sizeof salt);
	/* As much as Dovecot's: three passes over 64 MiB. */
	int r = argon2id_hash_encoded(3, 65536, 1, password, strlen(password), salt, sizeof salt, 32, text, sizeof text);
	if (r == ARGON2_OK && str_append_format(&made, "{%s}%s", s->name, text))
		return made.data;
	str_free(&made);
	errno = ENOMEM;
	return NULL;
}
