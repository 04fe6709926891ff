/* A name that people write, as a folder's: UTF-8 into modified UTF-7 (RFC 3501 section 5.1.3). */
#ifndef STORE_UTF7_PRINT_H
#define STORE_UTF7_PRINT_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

/* Appends it in the one canonical spelling. False: no UTF-8, a control character in it, or no room. */
bool utf7_print(struct str *into, struct slice text);

#endif
