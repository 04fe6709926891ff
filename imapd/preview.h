/*
 * The first words of a message as a person would read them: PREVIEW of FETCH
 * (RFC 8970). Made of the first part that is text and no attachment; of HTML
 * what a browser would show. Nothing of it is kept, and no more than
 * PREVIEW_READ bytes of the part are looked at.
 */
#ifndef IMAPD_PREVIEW_H
#define IMAPD_PREVIEW_H

#include "imapd/body.h"
#include "lib/base/str.h"

#define PREVIEW_CHARACTERS 200            /* RFC 8970 section 3.1: at most 256, better 200 */
#define PREVIEW_READ       (128 << 10)    /* bytes of a part */
#define PREVIEW_BYTES      (PREVIEW_CHARACTERS * 4)

/*
 * Appends it as UTF-8 in one line; nothing where the message has no text that
 * could be shown. `into` holds PREVIEW_BYTES. False without memory.
 */
bool preview_make(struct body *b, struct str *into);

#endif
