/* Encoded words of a header (RFC 2047, with a language: RFC 2231 section 5), read. */
#ifndef MAIL_WORDS_H
#define MAIL_WORDS_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

/*
 * Appends a header's value as people read it, in UTF-8: unfolded, encoded words
 * decoded wherever they stand, white space between two of them taken out. A
 * character that was cut over two words of one charset, as many programs do, is
 * put together. A word in a charset that is not known stays as it is; so do 8-bit
 * bytes. May hold any character, line ends and NUL too. False when `into` is full.
 */
bool words_decode(struct str *into, struct slice value);

#endif
