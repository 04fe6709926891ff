/* Encoded words of a header (RFC 2047) back into text. What encoded.h does, the other way. */
#ifndef MAIL_DECODED_H
#define MAIL_DECODED_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

/*
 * Appends the value of a field, unfolded, with its encoded words as UTF-8 and
 * without the spaces between two of them. A word that is broken, or in a
 * charset that this libc cannot convert, stays as it is written (RFC 5228
 * section 2.7.2). What comes out of a word may hold any byte, control bytes
 * too. False when `into` is full.
 */
bool decoded_words(struct str *into, struct slice text);

#endif
