/* encoded-character (RFC 5228 section 2.4.2.4): "${hex:24 24}" and "${unicode:20AC}" within strings. */
#ifndef SIEVE_CHARACTERS_H
#define SIEVE_CHARACTERS_H

#include "lib/base/slice.h"
#include "sieve/memory.h"

/*
 * Decodes what is written right and leaves the rest as it is. False when there is no memory, when a number is no character, or
 * when the outcome is not UTF-8 or has a NUL.
 */
bool sieve_characters_decode(struct slice *text, struct sieve_memory *memory);

#endif
