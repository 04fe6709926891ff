/*
 * Password hashes as tables hold them: an optional {SCHEME}, {SCHEME.b64} or
 * {SCHEME.hex}, then the text. Dovecot's scheme names (hash_schemes.c has the
 * table), and all that crypt(3) knows.
 *
 * A text that cannot be used (unknown scheme, cut by its column, a scheme that
 * is not allowed, a cost beyond all bounds) is not a wrong password: nobody
 * knows whether it is.
 */
#ifndef AUTHD_HASH_H
#define AUTHD_HASH_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define HASH_TEXT_MOST 4096 /* bytes of one stored text, and of what it decodes to */
#define HASH_WHY_MOST  160  /* bytes of a reason, with its NUL */

enum hash_result {
	HASH_RIGHT,
	HASH_WRONG,
	HASH_UNUSABLE,
};

/* What the administrator says of stored texts. */
struct hash_rules {
	const char *default_scheme; /* of texts without {SCHEME}; "" or NULL: CRYPT */
	const char *weak;           /* names of weak schemes that are taken, spaces between; NULL: none */
};

/* A stored text, taken apart. */
struct hash {
	const struct scheme *scheme; /* hash_schemes.h */
	struct str           text;   /* without its encoding */
	bool                 locked; /* nothing, "!" or "*" where a hash should be: no password is right, on purpose */
};

/* Whether the names in the rules are known. False with a reason: the settings are wrong. */
bool hash_rules_ok(const struct hash_rules *rules, char why[HASH_WHY_MOST]);

/* False with a reason: unusable. hash_close() in either case; it wipes. */
bool hash_open(struct hash *h, struct slice stored, const struct hash_rules *rules, char why[HASH_WHY_MOST]);
void hash_close(struct hash *h);
/* What kind of secret this is: "clear", "cram-md5", "scram-sha-1", "scram-sha-256", "hashed"; "" for a locked one. */
const char *hash_class(const struct hash *h);
/* Verifying it takes noticeable time: what hash_spend() can take as a model, and what is worth remembering. */
bool hash_is_costly(const struct hash *h);
/* `password` without NUL. The reason is set when the result is HASH_UNUSABLE. */
enum hash_result hash_check(const struct hash *h, const char *password, char why[HASH_WHY_MOST]);

/* Compares in a time that tells nothing but the lengths. */
bool hash_same(struct slice a, struct slice b);

/* The three steps in one. */
enum hash_result hash_verify(const char *password, struct slice stored, const struct hash_rules *rules,
    char why[HASH_WHY_MOST]);
/* Spends the time that hash_verify() takes for a text like `model`; for users who do not exist. */
void hash_spend(const char *password, struct slice model);

/*
 * A new stored text with its {SCHEME} (malloc'ed, printable, without blanks);
 * crypt(3) texts stand without. NULL with errno: EINVAL when such texts are not
 * made here, ERANGE when the password is too long.
 */
char *hash_make(const char *scheme, const char *password);
/* The names that hash_make() takes, with spaces between. */
#define HASH_MADE "YESCRYPT SHA512-CRYPT SHA256-CRYPT BLF-CRYPT ARGON2ID SCRAM-SHA-256 SCRAM-SHA-1 PLAIN"

#endif
