/*
 * Punycode (RFC 3492): characters beyond ASCII in letters, digits and hyphens. One label, without "xn--".
 * It takes what it is given: what may stand in a label is idna.h's to say.
 */
#ifndef MAIL_PUNYCODE_H
#define MAIL_PUNYCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

/* A label has 63 octets, and each character takes one at least. */
#define PUNYCODE_CHARACTERS_MOST 63

/* Appends the encoding (section 6.3). False: more than PUNYCODE_CHARACTERS_MOST characters, or `into` is full. */
bool punycode_encode(const unsigned *characters, size_t count, struct str *into);

/*
 * The characters of an encoding (section 6.2), none of them a surrogate. False:
 * it is none, or gives more than PUNYCODE_CHARACTERS_MOST.
 */
bool punycode_decode(struct slice text, unsigned characters[PUNYCODE_CHARACTERS_MOST], size_t *count);

#endif
