/* The hash of a key of a map, under a salt that nobody knows. */
#ifndef AUTHD_CACHE_HASH_H
#define AUTHD_CACHE_HASH_H

#include "lib/base/siphash.h"

/* `letter` is that of the map in cdbs (users_cdb.h): the same key of two maps has two hashes. */
uint64_t cache_hash_key(struct siphash_key salt, char letter, struct slice key);

#endif
