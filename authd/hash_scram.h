/*
 * What SCRAM keeps of a password (RFC 5802 section 3, RFC 7677), and the text
 * that Dovecot stores of it: ROUNDS,SALT,STOREDKEY,SERVERKEY, the latter three
 * in base64. Who has it can check a password, but cannot log in with it.
 */
#ifndef AUTHD_HASH_SCRAM_H
#define AUTHD_HASH_SCRAM_H

#include <stdint.h>

#include "authd/hash.h"

#define SCRAM_ROUNDS    4096   /* of new texts, and what an unknown user seems to have */
#define SCRAM_SALT      16     /* bytes, likewise */
#define SCRAM_SALT_MOST 128
#define SCRAM_KEY_MOST  32     /* SHA-256 */

struct scram_secret {
	uint64_t rounds;
	struct str salt; /* bytes */
	size_t   bytes;  /* of each key: 20 or 32 */
	char     stored[SCRAM_KEY_MOST], server[SCRAM_KEY_MOST];
};

/* `class` is "scram-sha-1" or "scram-sha-256": how many bytes its keys have. */
size_t scram_bytes(const char *class);

/* Reads a stored text. False with a reason: unusable. scram_forget() in any case. */
bool scram_parse(struct scram_secret *s, size_t bytes, struct slice text, char why[HASH_WHY_MOST]);
/* The keys of a password, with the rounds and salt that the secret has. */
void scram_derive(struct scram_secret *s, struct slice password);
/* Appends the stored text. False: no room. */
bool scram_text(const struct scram_secret *s, struct str *text);
void scram_forget(struct scram_secret *s);

#endif
