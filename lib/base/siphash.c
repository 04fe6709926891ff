#include "lib/base/siphash.h"

#include <endian.h>
#include <string.h>

#include "lib/base/random.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

struct siphash_key
siphash_key_new(void)
{
	return (struct siphash_key){random_number(), random_number()};
}

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
mix(struct state *s, unsigned rounds)
{
	while (rounds-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32) + s->v3;
		s->v2 += s->v1;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

static uint64_t
whole_word(const char *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof word);
	return le64toh(word);
}

/* Less than eight bytes, the first one lowest. */
static uint64_t
last_word(struct slice bytes)
{
	uint64_t word = 0;
	for (size_t i = 0; i < bytes.len; i++)
		word |= (uint64_t)(unsigned char)bytes.data[i] << (8 * i);
	return word;
}

static void
take(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s, 2);
	s->v0 ^= word;
}

uint64_t
siphash(const struct siphash_key *key, struct slice bytes)
{
	/* "somepseudorandomlygeneratedbytes" */
	struct state s = {key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du, key->k0 ^ 0x6c7967656e657261u,
	    key->k1 ^ 0x7465646279746573u};
	uint64_t length = (uint64_t)bytes.len << 56;
	for (; bytes.len >= 8; bytes = slice_from(bytes, 8))
		take(&s, whole_word(bytes.data));
	take(&s, last_word(bytes) | length);
	s.v2 ^= 0xff;
	mix(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
