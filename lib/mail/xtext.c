#include "lib/mail/xtext.h"

#include "lib/base/ascii.h"
#include "lib/base/cursor.h"
#include "lib/mail/address.h"

#define CHARACTER_MOST 0x10ffff

/* The byte that comes next, decoded, or -1. */
static int
next_byte(struct cursor *c)
{
	int byte = cursor_next(c);
	if (byte != '+')
		return byte > ' ' && byte <= '~' && byte != '=' ? byte : -1;
	int high = ascii_hex_upper(cursor_next(c)), low = ascii_hex_upper(cursor_next(c));
	return high >= 0 && low >= 0 ? high * 16 + low : -1;
}

bool
xtext_is(struct slice text)
{
	struct cursor c = cursor_over(text);
	while (!cursor_at_end(&c))
		if (next_byte(&c) < 0)
			return false;
	return true;
}

/* ASCII that stands for itself is not written so, and what is no character neither. */
static bool
is_embeddable(unsigned character)
{
	if (character >= 0x80)
		return character <= CHARACTER_MOST && (character < 0xd800 || character > 0xdfff);
	return character <= ' ' || character == '+' || character == '=' || character == '\\' || character == 0x7f;
}

/* Behind the backslash: "x{FC}". At least two digits, of more the first is not 0; letters in both cases, as ABNF has them. */
static bool
take_embedded(struct cursor *c)
{
	unsigned character = 0;
	int digits = 0;
	if (cursor_next(c) != 'x' || !cursor_take(c, '{'))
		return false;
	for (; !cursor_take(c, '}'); digits++) {
		int digit = ascii_hex(cursor_next(c));
		if (digit < 0 || digits == 6)
			return false;
		character = character * 16 + (unsigned)digit;
	}
	bool shortest = digits == 2 || (digits > 2 && character >> (4 * (digits - 1)) != 0);
	return shortest && character != 0 && is_embeddable(character);
}

bool
xtext_is_utf8_address(struct slice text, bool unicode)
{
	struct cursor c = cursor_over(text);
	if (text.len == 0 || !address_is_utf8(text))
		return false;
	while (!cursor_at_end(&c)) {
		int byte = cursor_next(&c);
		if (byte == '\\' && !take_embedded(&c))
			return false;
		if (byte <= ' ' || byte == 0x7f || byte == '+' || byte == '=' || (byte >= 0x80 && !unicode))
			return false;
	}
	return true;
}
