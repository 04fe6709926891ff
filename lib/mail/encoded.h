/*
 * Text in UTF-8, or any bytes, made fit for old ways: quoted-printable for a
 * body (RFC 2045 section 6.7), encoded words for a header (RFC 2047).
 */
#ifndef MAIL_ENCODED_H
#define MAIL_ENCODED_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

/* Appends `bytes`: CRLF stays a line end, every other CR and LF is coded, no line is over 76. False when `into` is full. */
bool quoted_printable_encode(struct str *into, struct slice bytes);

/*
 * Appends `text` (UTF-8 without controls) as the unstructured value of a field
 * whose name and colon are `column` bytes: as it is when it is ASCII, else as
 * encoded words of whole characters. Folded so that no line is over 76 where
 * there are spaces. What is no UTF-8 becomes '?'. False when `into` is full.
 */
bool encoded_unstructured(struct str *into, size_t column, struct slice text);
/* The same as a phrase, the name before an address: ASCII with specials in it becomes a quoted string. */
bool encoded_phrase(struct str *into, size_t column, struct slice text);

/*
 * Appends words with a space before each, and CRLF and `indent` before that
 * where a line would be over 76; a word that no line can hold is broken at 900
 * bytes, never within a character. `column`: what stands in the line already.
 */
void folded_append(struct str *into, size_t column, struct slice text, const char *indent);

/* Lines of at most 998 bytes with CRLF between them, without NUL and without CR or LF elsewhere: fit for any way that takes 8 bits. */
bool text_is_lines(struct slice text);

#endif
