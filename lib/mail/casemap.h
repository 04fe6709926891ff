/*
 * The collation i;unicode-casemap (RFC 5051): texts are alike when their folds
 * are the same bytes, one is in the other when its fold is, and they are in the
 * order of their folds. "strasse" is not "straße", "e" is in "É".
 *
 * A character becomes its title case, and that is taken apart. Known are the
 * decompositions into one or two parts of all below U+3100 (Latin, Greek,
 * Cyrillic, Hebrew, Arabic, Indic, kana), ligatures, half and full width, and Hangul;
 * not those of compatibility ideographs, Arabic presentation forms, and into three parts or more.
 */
#ifndef MAIL_CASEMAP_H
#define MAIL_CASEMAP_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define CASEMAP_GROWTH 9 /* bytes that one byte of text may become at most */

/* Appends the fold of a text in UTF-8; what is none stays as it is. False when `into` is full. */
bool casemap_append(struct str *into, struct slice text);
/* Nothing but ASCII: its fold differs in the case of letters alone. */
bool casemap_is_ascii(struct slice text);
/* Where the last character ends that is whole: what is behind it needs more bytes. */
size_t casemap_whole(struct slice text);

#endif
