/*
 * Domain names beyond ASCII (RFC 5890, 5891): as people write them (U-labels,
 * "bücher.example") and as DNS, certificates and policies have them (A-labels,
 * "xn--bcher-kva.example").
 *
 * Done: small letters, by a table of our own (a libc knows Unicode's in the
 * locales that it has loaded only, and a confined program loads none); Punycode; lengths; hyphens at the
 * third and fourth place (RFC 5891 section 4.2.3.1); what would be read as a dot, and controls.
 * Not done: normalization (NFC: a "u" with a combining diaeresis is not "ü"
 * here), the other mappings of UTS 46, and the tables of what a registry may
 * give out (RFC 5892, 5893). Nothing is let in by that: DNS does not know such names.
 */
#ifndef MAIL_IDNA_H
#define MAIL_IDNA_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define IDNA_LABEL_MOST 63  /* octets of an A-label */
#define IDNA_NAME_MOST  255 /* octets of a name as DNS has it */

/* Appends one label as DNS has it: of ASCII as it is, in lower case. False, and nothing is appended: it cannot be one. */
bool idna_label_to_ascii(struct slice label, struct str *into);
/*
 * Appends the domain as DNS has it, in lower case; a dot at the end stays. False, and nothing is
 * appended: a label is empty, not UTF-8, or too long, or it holds what none may.
 */
bool idna_to_ascii(struct slice domain, struct str *into);
/*
 * Appends the domain as people write it. A label "xn--..." that is no A-label
 * (what it stands for would be written otherwise) stays as it is, and so does ASCII, in lower case. False, and nothing is appended: as above.
 */
bool idna_to_unicode(struct slice domain, struct str *into);

/* The small letter of a character, or the character. Unicode 14's simple mappings, but for scripts whose small letters are the younger ones (Cherokee, Georgian Mtavruli). */
unsigned idna_lower(unsigned character);

#endif
