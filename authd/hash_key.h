/*
 * A key that is random at each start of authd, and what is made with it:
 * HMAC-SHA-256 of a purpose and parts, each with its length, so that no two
 * questions have the same text. The pages stay out of core dumps.
 */
#ifndef AUTHD_HASH_KEY_H
#define AUTHD_HASH_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define HASH_KEY_BYTES 32
#define HASH_TAG_BYTES 32
#define HASH_TAG_TEXT  44 /* in base64 */

struct hash_key {
	uint8_t *bytes; /* a page of its own */
};

/* Makes the key. False with errno. */
bool hash_key_begin(struct hash_key *k);
/* For a process that must not have it (its own copy, after fork). */
void hash_key_wipe(struct hash_key *k);

void hash_key_tag(const struct hash_key *k, const char *purpose, const struct slice *parts, size_t count,
    uint8_t tag[HASH_TAG_BYTES]);
/* The same as base64 with a NUL. */
void hash_key_text(const struct hash_key *k, const char *purpose, const struct slice *parts, size_t count, char text[HASH_TAG_TEXT + 1]);
/* The tag under which a right password is remembered; base64 and a NUL. */
void hash_key_memory(const struct hash_key *k, struct slice login, struct slice rows, struct slice password,
    char text[HASH_TAG_TEXT + 1]);

#endif
