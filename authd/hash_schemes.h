/* The table of schemes, and what its rows are made of. */
#ifndef AUTHD_HASH_SCHEMES_H
#define AUTHD_HASH_SCHEMES_H

#include "authd/hash.h"

enum encoding { AS_IT_IS, BASE64, HEX };

struct scheme {
	const char   *name;
	const char   *family;   /* the name under which it is weak; NULL: the text tells (crypt(3)) */
	const char   *class;    /* hash_class() */
	enum encoding encoding; /* when no suffix names one */
	unsigned      bytes;    /* of the digest that the decoded text begins with; 0: no digest */
	bool          salted;   /* salt follows the digest */
	bool          weak;     /* refused unless allowed; of crypt(3) the text tells */
	bool          costly;
	enum hash_result (*verify)(const struct scheme *s, struct slice password, struct slice text, char *why);
	char         *(*make)(const struct scheme *s, const char *password); /* NULL: no new ones */
};

/* NULL: there is no such scheme. */
const struct scheme *scheme_find(struct slice name);
/* For what a {SCHEME} names; of crypt(3) what the text's mark says. Never NULL. */
const char *scheme_family(const struct scheme *s, struct slice text);
bool scheme_is_weak(const struct scheme *s, struct slice text);

enum hash_result hash_compared(struct slice a, struct slice b);
/* HASH_UNUSABLE, with the reason. */
enum hash_result hash_unusable(char *why, const char *reason);
enum hash_result hash_too_short(char *why);

/* hash_crypt.c */
struct crypt_family;
const struct crypt_family *crypt_family_of(struct slice text); /* NULL: no crypt(3) text */
const char *crypt_family_name(const struct crypt_family *f);
bool crypt_family_weak(const struct crypt_family *f);
enum hash_result verify_crypt(const struct scheme *s, struct slice password, struct slice text, char *why);
char *make_crypt(const struct scheme *s, const char *password);

/* hash_digest.c */
enum hash_result verify_plain(const struct scheme *s, struct slice password, struct slice text, char *why);
enum hash_result verify_digest(const struct scheme *s, struct slice password, struct slice text, char *why);
enum hash_result verify_cram(const struct scheme *s, struct slice password, struct slice text, char *why);
char *make_plain(const struct scheme *s, const char *password);

/* hash_kdf.c */
enum hash_result verify_pbkdf2(const struct scheme *s, struct slice password, struct slice text, char *why);
enum hash_result verify_argon2(const struct scheme *s, struct slice password, struct slice text, char *why);
char *make_argon2(const struct scheme *s, const char *password);

/* hash_scram.c */
enum hash_result verify_scram(const struct scheme *s, struct slice password, struct slice text, char *why);
char *make_scram(const struct scheme *s, const char *password);

#endif
