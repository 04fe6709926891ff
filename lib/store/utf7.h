/* Modified UTF-7 of folder names (RFC 3501 section 5.1.3). */
#ifndef STORE_UTF7_H
#define STORE_UTF7_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

/*
 * True when `name` is well formed and in its one canonical spelling: printable
 * ASCII, shifted parts of whole UTF-16 that hold no printable ASCII, no lone
 * surrogate, no control character, no NUL. So no name has two spellings and none
 * hides a '/' or a '.'.
 */
bool utf7_ok(struct slice name);

/* Appends a name in UTF-8 as modified UTF-7. False: it is no UTF-8, holds a control character, or is too long for `into`. */
bool utf7_from_utf8(struct str *into, struct slice name);
/* Appends a name in modified UTF-7 as UTF-8. False: it is not well formed (utf7_ok()), or too long for `into`. */
bool utf7_to_utf8(struct str *into, struct slice name);

#define UTF7_GROWTH 3 /* times as many bytes, and 8, are what either appends at most */

#endif
