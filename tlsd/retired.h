/*
 * Keys that new sessions no longer use. They are kept for a while: a child may
 * have begun with the certificate that was there before.
 */
#ifndef TLSD_RETIRED_H
#define TLSD_RETIRED_H

#include <openssl/evp.h>
#include <stdint.h>

/* Takes the key over; NULL is none. Without memory it is forgotten at once. */
void retired_add(EVP_PKEY *key, uint64_t id);
/* The acceptor works with what was last told; what was retired before is forgotten `patience` milliseconds from now. */
void retired_taken(int64_t patience);
/* Forgets the keys whose time has come. */
void retired_forget(void);
/* The key of that id; NULL: not known. */
EVP_PKEY *retired_key(uint64_t id);

#endif
