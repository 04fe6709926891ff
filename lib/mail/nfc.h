/* Unicode's normal form C (UAX 15), which new folders' names must have (RFC 9051 section 5.1, RFC 5198 section 3). */
#ifndef MAIL_NFC_H
#define MAIL_NFC_H

#include <stdbool.h>

#include "lib/base/slice.h"

#define NFC_MOST 1000 /* characters of a text, taken apart */

/* Whether a text in UTF-8 is in form C. False as well: it is no UTF-8, or has more than NFC_MOST characters. */
bool nfc_is(struct slice text);

#endif
