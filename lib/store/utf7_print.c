#include "lib/store/utf7_print.h"

#include <stdint.h>

#include "lib/mail/utf8.h"

/* A run in base64 of UTF-16: bits that are not written yet. */
struct shift {
	bool     open;
	uint32_t bits;
	unsigned count; /* 0 to 5 of them, between units */
};

static void
put_digits(struct str *into, struct shift *s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
	while (s->count >= 6) {
		s->count -= 6;
		str_append_byte(into, digits[s->bits >> s->count & 63]);
	}
}

static void
put_unit(struct str *into, struct shift *s, unsigned unit)
{
	if (!s->open)
		str_append_byte(into, '&');
	s->open = true;
	s->bits = s->bits << 16 | unit;
	s->count += 16;
	put_digits(into, s);
}

static void
close_shift(struct str *into, struct shift *s)
{
	if (!s->open)
		return;
	if (s->count > 0) {
		s->bits <<= 6 - s->count;
		s->count = 6;
		put_digits(into, s);
	}
	str_append_byte(into, '-');
	*s = (struct shift){.open = false};
}

static void
put_plain(struct str *into, struct shift *s, char byte)
{
	close_shift(into, s);
	str_append_byte(into, byte);
	if (byte == '&')
		str_append_byte(into, '-');
}

static void
put_shifted(struct str *into, struct shift *s, unsigned character)
{
	if (character < 0x10000) {
		put_unit(into, s, character);
		return;
	}
	put_unit(into, s, 0xd800 + ((character - 0x10000) >> 10));
	put_unit(into, s, 0xdc00 + ((character - 0x10000) & 0x3ff));
}

bool
utf7_print(struct str *into, struct slice text)
{
	struct shift s = {.open = false};
	while (text.len > 0) {
		unsigned character;
		size_t len = utf8_character(text, &character);
		if (len == 0 || character < ' ' || (character >= 0x7f && character < 0xa0))
			return false;
		if (character < 0x7f)
			put_plain(into, &s, (char)character);
		else
			put_shifted(into, &s, character);
		text = slice_from(text, len);
	}
	close_shift(into, &s);
	return !into->failed;
}
