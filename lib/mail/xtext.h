/*
 * The encodings that carry addresses and ids in ESMTP parameters and in
 * notifications: xtext (RFC 3461 section 4) and utf-8-addr-xtext, for addresses
 * in UTF-8 (RFC 6533 section 3).
 */
#ifndef MAIL_XTEXT_H
#define MAIL_XTEXT_H

#include <stdbool.h>

#include "lib/base/slice.h"

/* Printable ASCII without "+" and "=", and "+XX" in upper-case hexadecimal; may be empty. */
bool xtext_is(struct slice text);

/*
 * utf-8-addr-xtext: printable ASCII without "+", "=" and "\", and "\x{HEX}" for
 * any other character; not empty. With `unicode` also utf-8-addr-unitext: UTF-8
 * as it is.
 */
bool xtext_is_utf8_address(struct slice text, bool unicode);

#endif
