/* The base subject (RFC 5256 section 2.1): what sorts and threads messages by subject. */
#ifndef MAIL_SUBJECT_H
#define MAIL_SUBJECT_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

/* Appends a Subject's raw value in UTF-8, decoded, tabs as spaces, and one space for many. False when `into` is full. */
bool subject_text(struct str *into, struct slice value);
/*
 * The base of such a text, a part of it: without "Re:", "Fwd:", "[list]" and
 * "(fwd)". `*reply`: something said that it is a reply or a forward. Linear in the length.
 */
struct slice subject_base(struct slice text, bool *reply);

#endif
