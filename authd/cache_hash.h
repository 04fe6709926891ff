/*
 * SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012):
 * who does not know the salt cannot choose keys whose hashes are equal. With a
 * salt that is known it is a checksum of 64 bits.
 */
#ifndef AUTHD_CACHE_HASH_H
#define AUTHD_CACHE_HASH_H

#include <stdint.h>

#include "lib/base/slice.h"

struct cache_salt {
	uint64_t one, two;
};

uint64_t cache_hash(struct cache_salt salt, struct slice bytes);
/* Of a key of a map (its letter in cdbs, users_cdb.h): the same key of two maps has two hashes. */
uint64_t cache_hash_key(struct cache_salt salt, char letter, struct slice key);

#endif
