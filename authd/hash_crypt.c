/*
 * crypt(3) by libxcrypt: the mark at the text's beginning says which hash it
 * is. What a hash may cost is bounded here, for a row may ask for anything and
 * a worker has 384 MiB (lib/sandbox) and seconds.
 */
#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "authd/hash_schemes.h"
#include "lib/base/number.h"

/* About two seconds each, on a slow machine. */
#define SHA_ROUNDS_MOST   2000000
#define SHA1_ROUNDS_MOST  1000000
#define SUN_ROUNDS_MOST   500000
#define BLOWFISH_LOG_MOST 14

static bool no_bound(struct slice rest);
static bool sha_bound(struct slice rest);
static bool sha1_bound(struct slice rest);
static bool sun_bound(struct slice rest);
static bool bsdi_bound(struct slice rest);
static bool blowfish_bound(struct slice rest);
static bool yescrypt_bound(struct slice rest);
static bool scrypt_bound(struct slice rest);

static const struct crypt_family {
	const char *mark;
	const char *name;
	size_t      least; /* bytes of the shortest whole text */
	bool        weak;
	bool      (*bound)(struct slice rest); /* whether its cost can be borne; `rest` follows the mark */
} families[] = {
    {"$y$",   "YESCRYPT",     3 + 4 + 1 + 43,  false, yescrypt_bound},
    {"$gy$",  "YESCRYPT",     4 + 4 + 1 + 43,  false, yescrypt_bound},
    {"$7$",   "YESCRYPT",     3 + 11 + 1 + 43, false, scrypt_bound},
    {"$2a$",  "BLF-CRYPT",    60,              false, blowfish_bound},
    {"$2b$",  "BLF-CRYPT",    60,              false, blowfish_bound},
    {"$2x$",  "BLF-CRYPT",    60,              false, blowfish_bound},
    {"$2y$",  "BLF-CRYPT",    60,              false, blowfish_bound},
    {"$6$",   "SHA512-CRYPT", 3 + 1 + 86,      false, sha_bound},
    {"$5$",   "SHA256-CRYPT", 3 + 1 + 43,      false, sha_bound},
    {"$sha1", "SHA1-CRYPT",   5 + 4 + 28,      false, sha1_bound},
    {"$1$",   "MD5-CRYPT",    3 + 1 + 22,      true,  no_bound},
    {"$md5",  "MD5-CRYPT",    4 + 2 + 22,      true,  sun_bound},
    {"$3$",   "NT",           3 + 1 + 32,      true,  no_bound},
    {"_",     "DES-CRYPT",    20,              true,  bsdi_bound},
    {"",      "DES-CRYPT",    13,              true,  no_bound},
};

/* What new texts begin with, and their cost as crypt_gensalt(3) takes it; 0: its default. */
static const struct maker {
	const char   *scheme, *mark;
	unsigned long cost;
	size_t        longest; /* bytes of a password; bcrypt looks at no more */
} makers[] = {
    {"YESCRYPT",     "$y$",  0,  CRYPT_MAX_PASSPHRASE_SIZE - 1},
    {"BLF-CRYPT",    "$2y$", 10, 72},
    {"SHA512-CRYPT", "$6$",  0,  CRYPT_MAX_PASSPHRASE_SIZE - 1},
    {"SHA256-CRYPT", "$5$",  0,  CRYPT_MAX_PASSPHRASE_SIZE - 1},
};

/* --- bounds ------------------------------------------------------------------------------ */

static bool
no_bound(struct slice rest)
{
	(void)rest;
	return true;
}

/* The number behind `name`, up to a $ ; without one the cost is the default. */
static bool
rounds_within(struct slice rest, const char *name, uint64_t most)
{
	uint64_t rounds;
	if (!slice_starts(rest, name))
		return true;
	struct slice number = slice_from(rest, strlen(name));
	return number_parse(slice_first(number, slice_find(number, '$')), most, &rounds);
}

static bool
sha_bound(struct slice rest)
{
	return rounds_within(rest, "rounds=", SHA_ROUNDS_MOST);
}

static bool
sha1_bound(struct slice rest)
{
	return rounds_within(rest, "$", SHA1_ROUNDS_MOST);
}

static bool
sun_bound(struct slice rest)
{
	return rounds_within(rest, ",rounds=", SUN_ROUNDS_MOST);
}

/* Four letters of rounds, six bits each, the lowest first; of the last no more than a sixth. */
static bool
bsdi_bound(struct slice rest)
{
	return rest.len >= 4 && strchr("./0123456789", rest.data[3]) != NULL;
}

static bool
blowfish_bound(struct slice rest)
{
	return rounds_within(rest, "", BLOWFISH_LOG_MOST);
}

/* Three letters of parameters name flavour, memory and block size; with more of them a text could ask for more time. */
static bool
yescrypt_bound(struct slice rest)
{
	return slice_find(rest, '$') == 3;
}

/* One letter of memory, five of block size, five of repetitions: the latter are 1 as crypt_gensalt(3) makes them. */
static bool
scrypt_bound(struct slice rest)
{
	return slice_starts(slice_from(rest, 6), "/....");
}

/* --- the family ---------------------------------------------------------------------------- */

/* crypt(3)'s alphabet is all that DES's texts have. */
static bool
is_crypt_letters(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_alnum((unsigned char)text.data[i]) && text.data[i] != '.' && text.data[i] != '/')
			return false;
	return text.len > 0;
}

const struct crypt_family *
crypt_family_of(struct slice text)
{
	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		if (slice_starts(text, families[i].mark) && (families[i].mark[0] != '\0' || is_crypt_letters(text)))
			return &families[i];
	return NULL;
}

const char *
crypt_family_name(const struct crypt_family *f)
{
	return f->name;
}

bool
crypt_family_weak(const struct crypt_family *f)
{
	return f->weak;
}

/* --- verifying and making ---------------------------------------------------------------------- */

static enum hash_result
judge(const char *made, struct slice text, char *why)
{
	/* "*0" and the like stand for failure and never match. */
	if (made == NULL || made[0] == '*')
		return hash_unusable(why, errno == ENOMEM ? "the stored hash asks for more memory than a worker has"
		                                          : "crypt(3) cannot use the stored hash");
	size_t len = strlen(made);
	if (text.len < len)
		return hash_too_short(why);
	if (text.len > len)
		return hash_unusable(why, "the stored password is longer than its hash");
	return hash_compared(slice_of(made), text);
}

/* Takes the texts NUL-terminated, as crypt(3) does. */
static enum hash_result
run(const char *password, struct slice text, char *why)
{
	struct crypt_data *data = calloc(1, sizeof *data);
	if (data == NULL)
		return hash_unusable(why, "no memory");
	errno = 0;
	enum hash_result r = judge(crypt_r(password, text.data, data), text, why);
	explicit_bzero(data, sizeof *data);
	free(data);
	return r;
}

enum hash_result
verify_crypt(const struct scheme *s, struct slice password, struct slice text, char *why)
{
	(void)s;
	const struct crypt_family *f = crypt_family_of(text);
	if (f == NULL || slice_has(text, '\0'))
		return hash_unusable(why, "the password column holds no hash that is known here (setting password_scheme)");
	if (text.len < f->least)
		return hash_too_short(why);
	if (!f->bound(slice_from(text, strlen(f->mark))))
		return hash_unusable(why, "the stored hash asks for too many rounds");
	if (password.len >= CRYPT_MAX_PASSPHRASE_SIZE)
		return HASH_WRONG;
	return run(password.data, text, why);
}

char *
make_crypt(const struct scheme *s, const char *password)
{
	const struct maker *m = &makers[0];
	for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
		if (strcmp(s->name, makers[i].scheme) == 0)
			m = &makers[i];
	if (strlen(password) > m->longest) {
		errno = ERANGE;
		return NULL;
	}
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	if (crypt_gensalt_rn(m->mark, m->cost, NULL, 0, setting, sizeof setting) == NULL)
		return NULL;
	struct crypt_data *data = calloc(1, sizeof *data);
	if (data == NULL)
		return NULL;
	const char *made = crypt_r(password, setting, data);
	char *copy = made != NULL && made[0] != '*' ? strdup(made) : NULL;
	explicit_bzero(data, sizeof *data);
	free(data);
	return copy;
}
