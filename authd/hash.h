/* Password hashes: crypt(3) strings, with an optional {SCHEME} before them. */
#ifndef AUTHD_HASH_H
#define AUTHD_HASH_H

#include <stdbool.h>

#include "lib/base/slice.h"

enum hash_result {
	HASH_RIGHT,
	HASH_WRONG,
	HASH_UNUSABLE, /* the stored text is no hash that is known here */
};

/*
 * Takes a stored text as the table has it; any bytes but NUL in the password. "!", "*" or nothing where a hash
 * should be, behind a scheme too: no password is right, on purpose.
 */
enum hash_result hash_verify(const char *password, const char *stored);
/* Spends the time that hash_verify() takes for a hash like `model`; for users who do not exist. */
void hash_spend(const char *password, const char *model);
/* A crypt(3) string stands behind the scheme: what hash_spend() can take as a model. */
bool hash_is_crypt(const char *stored);
/* A new yescrypt hash (malloc'ed), or NULL with errno. */
char *hash_make(const char *password);

#endif
