#include "authd/cache_hash.h"

#include <endian.h>
#include <string.h>

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t
turn(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
round_once(struct state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = turn(s->v1, 13) ^ s->v0;
	s->v3 = turn(s->v3, 16) ^ s->v2;
	s->v0 = turn(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = turn(s->v1, 17) ^ s->v2;
	s->v3 = turn(s->v3, 21) ^ s->v0;
	s->v2 = turn(s->v2, 32);
}

static void
take(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	round_once(s);
	round_once(s);
	s->v0 ^= word;
}

static uint64_t
whole_word(const char *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof word);
	return le64toh(word);
}

/* The bytes from `start` on, less than 8, little-endian; above them the length. */
static uint64_t
last_word(struct slice bytes, size_t start)
{
	uint64_t word = (uint64_t)bytes.len << 56;
	for (size_t i = start; i < bytes.len; i++)
		word |= (uint64_t)(unsigned char)bytes.data[i] << 8 * (i - start);
	return word;
}

uint64_t
cache_hash(struct cache_salt salt, struct slice bytes)
{
	struct state s = {
	    salt.one ^ 0x736f6d6570736575u, salt.two ^ 0x646f72616e646f6du, salt.one ^ 0x6c7967656e657261u, salt.two ^ 0x7465646279746573u};
	size_t whole = bytes.len & ~(size_t)7;
	for (size_t i = 0; i < whole; i += 8)
		take(&s, whole_word(bytes.data + i));
	take(&s, last_word(bytes, whole));
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		round_once(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t
cache_hash_key(struct cache_salt salt, char letter, struct slice key)
{
	salt.one ^= (unsigned char)letter;
	return cache_hash(salt, key);
}
