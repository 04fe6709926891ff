#include "lib/mail/decoder.h"

#include "lib/base/ascii.h"
#include "lib/base/encode.h"

/* Behind a "=" of quoted-printable. */
enum { NOTHING, EQUALS, ONE_DIGIT, SOFT_END };

void
decoder_begin(struct decoder *d, struct slice encoding)
{
	*d = (struct decoder){.kind = DECODER_PLAIN};
	if (slice_is_nocase(encoding, "quoted-printable") || slice_is_nocase(encoding, "q"))
		d->kind = DECODER_QUOTED;
	if (slice_is_nocase(encoding, "base64") || slice_is_nocase(encoding, "b"))
		d->kind = DECODER_BASE64;
}

/* --- base64 --------------------------------------------------------------------------- */

/* Groups of four as they follow each other in a line. How many bytes it took. */
static size_t
take_groups(struct slice bytes, struct str *into)
{
	char made[192];
	size_t at = 0, len = 0;
	for (; at + 4 <= bytes.len && len + 3 <= sizeof made; at += 4) {
		const unsigned char *four = (const unsigned char *)bytes.data + at;
		int a = base64_digit(four[0]), b = base64_digit(four[1]), c = base64_digit(four[2]), e = base64_digit(four[3]);
		if ((a | b | c | e) < 0)
			break;
		made[len++] = (char)(a << 2 | b >> 4);
		made[len++] = (char)((b & 15) << 4 | c >> 2);
		made[len++] = (char)((c & 3) << 6 | e);
	}
	str_append(into, made, len);
	return at;
}

static void
base64_feed(struct decoder *d, struct slice bytes, struct str *into)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (d->count == 0)
			i += take_groups(slice_from(bytes, i), into);
		if (i == bytes.len)
			return;
		int digit = base64_digit((unsigned char)bytes.data[i]);
		if (bytes.data[i] == '=')
			d->count = 0;
		if (digit < 0)
			continue;
		d->bits = (d->bits << 6 | (unsigned)digit) & 0xffff;
		d->count += 6;
		if (d->count >= 8) {
			d->count -= 8;
			str_append_byte(into, (char)(d->bits >> d->count & 0xff));
		}
	}
}

/* --- quoted-printable ------------------------------------------------------------------- */

/* A byte behind a "=". */
static void
quoted_step(struct decoder *d, char c, struct str *into)
{
	int digit = ascii_hex((unsigned char)c);
	if (d->count == SOFT_END || (d->count == EQUALS && digit < 0)) {
		bool blank = c == ' ' || c == '\t' || c == '\r';
		if (d->count == EQUALS && !blank && c != '\n')
			str_append_byte(into, '=');
		if (!blank && c != '\n')
			str_append_byte(into, c);
		d->count = blank ? SOFT_END : NOTHING;
	} else if (d->count == EQUALS) {
		d->held = c;
		d->count = ONE_DIGIT;
	} else {
		if (digit >= 0) {
			str_append_byte(into, (char)(ascii_hex((unsigned char)d->held) << 4 | digit));
		} else {
			str_append_byte(into, '=');
			str_append_byte(into, d->held);
			str_append_byte(into, c);
		}
		d->count = NOTHING;
	}
}

static void
quoted_feed(struct decoder *d, struct slice bytes, struct str *into)
{
	while (bytes.len > 0) {
		if (d->count == NOTHING) {
			size_t plain = slice_find(bytes, '=');
			str_append(into, bytes.data, plain);
			d->count = plain < bytes.len ? EQUALS : NOTHING;
			bytes = slice_from(bytes, plain + 1);
			continue;
		}
		quoted_step(d, bytes.data[0], into);
		bytes = slice_from(bytes, 1);
	}
}

bool
decoder_feed(struct decoder *d, struct slice bytes, struct str *into)
{
	switch (d->kind) {
	case DECODER_PLAIN:
		str_append_slice(into, bytes);
		break;
	case DECODER_QUOTED:
		quoted_feed(d, bytes, into);
		break;
	case DECODER_BASE64:
		base64_feed(d, bytes, into);
		break;
	}
	return !into->failed;
}
