/* UTF-8 (RFC 3629), one character at a time. */
#ifndef MAIL_UTF8_H
#define MAIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define UTF8_CHARACTER_MOST 0x10ffff

/* The bytes of the character at the start of `text` (1 to 4) and its number; 0: it is none, or nothing is left. */
size_t utf8_character(struct slice text, unsigned *character);

/* The number is a character's: not beyond the last one, and no surrogate. */
bool utf8_is_character(unsigned character);
/* Appends a character. False: it is none, or `into` is full. */
bool utf8_append(struct str *into, unsigned character);

#endif
