/*
 * CRAM-MD5 (RFC 2195). HMAC-MD5's two states after the key are all that it
 * needs of a password; Dovecot's scheme CRAM-MD5 stores them, the outer first,
 * 32 bits each with the lowest byte first. They open an account as well as
 * the password does, so they are no better than one.
 */
#ifndef AUTHD_HASH_CRAM_H
#define AUTHD_HASH_CRAM_H

#include "lib/base/slice.h"

#define CRAM_SECRET 32 /* bytes */
#define CRAM_DIGEST 16

void cram_secret_of(struct slice password, char secret[CRAM_SECRET]);
/* HMAC-MD5 of the challenge, in lower case hexadecimal with a NUL. */
void cram_answer(const char secret[CRAM_SECRET], struct slice challenge, char answer[2 * CRAM_DIGEST + 1]);

#endif
