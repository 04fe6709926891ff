/*
 * Content transfer encodings read piece by piece, for looking into what they
 * hold: base64 (RFC 2045 section 6.8) and quoted-printable (section 6.7).
 * Nothing is refused: what is no base64 is passed over, a "=" that begins nothing
 * stays, spaces at a line's end stay as well. Line ends stay as they are.
 */
#ifndef MAIL_DECODER_H
#define MAIL_DECODER_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

enum decoder_kind {
	DECODER_PLAIN, /* 7bit, 8bit, binary, and what is not known */
	DECODER_QUOTED,
	DECODER_BASE64,
};

struct decoder {
	enum decoder_kind kind;
	unsigned bits, count; /* of base64: what is no whole byte yet; of quoted-printable: how far behind a "=" */
	char     held;        /* of quoted-printable: the first digit */
};

/* `encoding`: the word of Content-Transfer-Encoding. */
void decoder_begin(struct decoder *d, struct slice encoding);
/* Appends what the bytes stand for. False when `into` is full. */
bool decoder_feed(struct decoder *d, struct slice bytes, struct str *into);

#endif
