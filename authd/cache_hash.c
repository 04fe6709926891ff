#include "authd/cache_hash.h"

uint64_t
cache_hash_key(struct siphash_key salt, char letter, struct slice key)
{
	salt.k0 ^= (unsigned char)letter;
	return siphash(&salt, key);
}
