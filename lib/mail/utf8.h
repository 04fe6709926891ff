/* UTF-8 (RFC 3629), one character at a time. */
#ifndef MAIL_UTF8_H
#define MAIL_UTF8_H

#include <stddef.h>

#include "lib/base/slice.h"

/* The bytes of the character at the start of `text` (1 to 4) and its number; 0: it is none, or nothing is left. */
size_t utf8_character(struct slice text, unsigned *character);

#endif
