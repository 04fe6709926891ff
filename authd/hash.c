#include "authd/hash.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const crypt_schemes[] = {
    "CRYPT", "DES-CRYPT", "MD5-CRYPT", "SHA256-CRYPT", "SHA512-CRYPT", "BLF-CRYPT", "YESCRYPT",
};
static const char *const plain_schemes[] = {"PLAIN", "CLEARTEXT"};

enum scheme { SCHEME_CRYPT, SCHEME_PLAIN, SCHEME_UNKNOWN };

static bool
is_one_of(struct slice name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is_nocase(name, names[i]))
			return true;
	return false;
}

/* Cuts {SCHEME} off; without one it is a crypt(3) string. */
static enum scheme
take_scheme(const char **stored)
{
	if ((*stored)[0] != '{')
		return SCHEME_CRYPT;
	const char *end = strchr(*stored, '}');
	if (end == NULL)
		return SCHEME_UNKNOWN;
	struct slice name = slice_make(*stored + 1, (size_t)(end - *stored) - 1);
	*stored = end + 1;
	if (is_one_of(name, crypt_schemes, sizeof crypt_schemes / sizeof *crypt_schemes))
		return SCHEME_CRYPT;
	if (is_one_of(name, plain_schemes, sizeof plain_schemes / sizeof *plain_schemes))
		return SCHEME_PLAIN;
	return SCHEME_UNKNOWN;
}

/* In a time that tells nothing but the lengths. */
static bool
same_text(const char *a, const char *b)
{
	size_t length_a = strlen(a), length_b = strlen(b);
	volatile unsigned char difference = length_a != length_b;
	for (size_t i = 0; i < length_a; i++)
		difference |= (unsigned char)(a[i] ^ b[length_b > 0 ? i % length_b : 0]);
	return difference == 0;
}

static enum hash_result
verify_crypt(const char *password, const char *stored)
{
	struct crypt_data *data = calloc(1, sizeof *data);
	if (data == NULL || stored[0] == '\0') {
		free(data);
		return HASH_UNUSABLE;
	}
	/* "*0" and the like stand for failure and never match; a text that begins with them is no hash. */
	const char *made = crypt_r(password, stored, data);
	bool usable = made != NULL && made[0] != '*';
	enum hash_result r = !usable ? HASH_UNUSABLE : same_text(made, stored) ? HASH_RIGHT : HASH_WRONG;
	explicit_bzero(data, sizeof *data);
	free(data);
	return r;
}

/* No password opens it: nothing is there, or the mark of a locked account (an empty password opens nothing either). */
static bool
is_locked(enum scheme scheme, const char *stored)
{
	return stored[0] == '\0' || (scheme == SCHEME_CRYPT && (stored[0] == '!' || stored[0] == '*'));
}

enum hash_result
hash_verify(const char *password, const char *stored)
{
	enum scheme scheme = take_scheme(&stored);
	if (is_locked(scheme, stored))
		return HASH_WRONG;
	switch (scheme) {
	case SCHEME_CRYPT:
		if (strlen(password) >= CRYPT_MAX_PASSPHRASE_SIZE)
			return HASH_WRONG;
		return verify_crypt(password, stored);
	case SCHEME_PLAIN:
		return same_text(password, stored) ? HASH_RIGHT : HASH_WRONG;
	case SCHEME_UNKNOWN:
		break;
	}
	return HASH_UNUSABLE;
}

void
hash_spend(const char *password, const char *model)
{
	hash_verify(password, model);
}

bool
hash_is_crypt(const char *stored)
{
	enum scheme scheme = take_scheme(&stored);
	return scheme == SCHEME_CRYPT && !is_locked(scheme, stored);
}

char *
hash_make(const char *password)
{
	if (strlen(password) >= CRYPT_MAX_PASSPHRASE_SIZE) {
		errno = ERANGE;
		return NULL;
	}
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof setting) == NULL)
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
