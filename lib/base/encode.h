/* Base64 (RFC 4648 section 4) and hexadecimal. */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

/* Appends the encoding without line breaks. False when `into` is full. */
bool base64_encode(struct str *into, struct slice bytes);
/* Appends the decoding. Strict: only the alphabet, right padding, nothing else. False leaves `into` as it was. */
bool base64_decode(struct str *into, struct slice text);
/* Values of the characters between these two. */
#define BASE64_FIRST '+'
#define BASE64_LAST  'z'
extern const signed char base64_digits[];
/* The value of a character of the alphabet, or -1: for those who read what is broken or comes in pieces. */
static inline int
base64_digit(int c)
{
	return c >= BASE64_FIRST && c <= BASE64_LAST ? base64_digits[c - BASE64_FIRST] : -1;
}
bool hex_encode(struct str *into, struct slice bytes);

#endif
