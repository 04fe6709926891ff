/*
 * SipHash-2-4 (Aumasson, Bernstein 2012): a short hash under a secret key. For
 * tables whose keys an attacker chooses: without the key he finds no two that
 * meet in one place. Two texts have one hash once in 2^64.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stdint.h>

#include "lib/base/slice.h"

struct siphash_key {
	uint64_t k0, k1;
};

/* A random key, for the life of one process. */
struct siphash_key siphash_key_new(void);
uint64_t siphash(const struct siphash_key *key, struct slice bytes);

#endif
