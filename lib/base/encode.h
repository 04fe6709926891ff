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
/* The value of a character of the alphabet, or -1: for those who read what is broken or comes in pieces. */
int base64_digit(int c);
bool hex_encode(struct str *into, struct slice bytes);

#endif
