#include "authd/hash_cram.h"

#include <nettle/hmac.h>
#include <string.h>

#define WORDS 4 /* of MD5's state */

static void
put_state(const struct md5_ctx *c, char *bytes)
{
	for (size_t i = 0; i < WORDS * 4; i++)
		bytes[i] = (char)(c->state[i / 4] >> (i % 4 * 8) & 255);
}

/* The context after one block, which was the key. */
static void
take_state(struct md5_ctx *c, const char *bytes)
{
	md5_init(c);
	c->count = 1;
	for (size_t i = 0; i < WORDS; i++) {
		const unsigned char *b = (const unsigned char *)bytes + i * 4;
		c->state[i] = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
	}
}

void
cram_secret_of(struct slice password, char secret[CRAM_SECRET])
{
	struct hmac_md5_ctx c;
	hmac_md5_set_key(&c, password.len, (const uint8_t *)password.data);
	put_state(&c.outer, secret);
	put_state(&c.inner, secret + WORDS * 4);
	explicit_bzero(&c, sizeof c);
}

void
cram_answer(const char secret[CRAM_SECRET], struct slice challenge, char answer[2 * CRAM_DIGEST + 1])
{
	static const char digits[] = "0123456789abcdef";
	struct hmac_md5_ctx c;
	uint8_t digest[CRAM_DIGEST];
	take_state(&c.outer, secret);
	take_state(&c.inner, secret + WORDS * 4);
	c.state = c.inner;
	hmac_md5_update(&c, challenge.len, (const uint8_t *)challenge.data);
	hmac_md5_digest(&c, sizeof digest, digest);
	for (size_t i = 0; i < sizeof digest; i++) {
		answer[2 * i] = digits[digest[i] >> 4];
		answer[2 * i + 1] = digits[digest[i] & 15];
	}
	answer[2 * CRAM_DIGEST] = '\0';
	explicit_bzero(&c, sizeof c);
}
