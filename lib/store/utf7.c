#include "lib/store/utf7.h"

#include <stdint.h>

#include "lib/base/cursor.h"
#include "lib/mail/utf8.h"

static int
sextet(int byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return byte - 'A';
	if (byte >= 'a' && byte <= 'z')
		return byte - 'a' + 26;
	if (byte >= '0' && byte <= '9')
		return byte - '0' + 52;
	if (byte == '+')
		return 62;
	return byte == ',' ? 63 : -1;
}

/* One unit of UTF-16. `*high` is a high surrogate that waits for its low one, or 0. */
static bool
unit_ok(uint32_t unit, uint32_t *high)
{
	bool low = unit >= 0xdc00 && unit <= 0xdfff;
	if (*high != 0 || low) {
		bool pair = *high != 0 && low;
		*high = 0;
		return pair;
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return true;
	}
	/* ASCII must stand for itself; controls of both halves are refused. */
	return unit >= 0xa0;
}

/* What is between '&' and '-'. */
static bool
shifted_ok(struct slice text)
{
	uint32_t bits = 0, high = 0;
	int have = 0;
	for (size_t i = 0; i < text.len; i++) {
		int six = sextet((unsigned char)text.data[i]);
		if (six < 0)
			return false;
		bits = bits << 6 | (uint32_t)six;
		have += 6;
		if (have < 16)
			continue;
		have -= 16;
		if (!unit_ok(bits >> have & 0xffff, &high))
			return false;
		bits &= (1u << have) - 1;
	}
	/* Less than a sextet of padding is left, and it is zero. */
	return high == 0 && have < 6 && bits == 0;
}

bool
utf7_ok(struct slice name)
{
	bool after_shift = false;
	while (name.len > 0) {
		unsigned char byte = (unsigned char)name.data[0];
		if (byte < 0x20 || byte > 0x7e)
			return false;
		if (byte != '&') {
			name = slice_from(name, 1);
			after_shift = false;
			continue;
		}
		size_t end = slice_find(name, '-');
		if (end == name.len)
			return false;
		bool shift = end > 1;
		/* Two shifts in a row would be a second spelling of one. */
		if (shift && (after_shift || !shifted_ok(slice_first(slice_from(name, 1), end - 1))))
			return false;
		after_shift = shift;
		name = slice_from(name, end + 1);
	}
	return true;
}

/* UTF-16 that waits to be written as sextets; `open` between '&' and '-'. */
struct shift {
	struct str *into;
	uint32_t    bits;
	int         have;
	bool        open;
};

static void
put_sextet(struct shift *s, uint32_t six)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
	str_append_byte(s->into, letters[six & 63]);
}

static void
put_unit(struct shift *s, uint32_t unit)
{
	if (!s->open)
		str_append_byte(s->into, '&');
	s->open = true;
	s->bits = s->bits << 16 | unit;
	s->have += 16;
	while (s->have >= 6) {
		s->have -= 6;
		put_sextet(s, s->bits >> s->have);
	}
	s->bits &= (1u << s->have) - 1;
}

static void
shift_end(struct shift *s)
{
	if (!s->open)
		return;
	if (s->have > 0)
		put_sextet(s, s->bits << (6 - s->have));
	str_append_byte(s->into, '-');
	*s = (struct shift){.into = s->into};
}

static bool
put_character(struct shift *s, unsigned character)
{
	if (character < 0x20 || (character >= 0x7f && character < 0xa0))
		return false;
	if (character >= 0x10000) {
		put_unit(s, 0xd800 | (character - 0x10000) >> 10);
		put_unit(s, 0xdc00 | (character & 0x3ff));
	} else if (character >= 0xa0) {
		put_unit(s, character);
	} else {
		shift_end(s);
		str_append_byte(s->into, (char)character);
		if (character == '&')
			str_append_byte(s->into, '-');
	}
	return true;
}

bool
utf7_from_utf8(struct str *into, struct slice name)
{
	struct shift s = {.into = into};
	while (name.len > 0) {
		unsigned character;
		size_t len = utf8_character(name, &character);
		if (len == 0 || !put_character(&s, character))
			return false;
		name = slice_from(name, len);
	}
	shift_end(&s);
	return !into->failed;
}

/* A shifted part, well formed, without its '&' and '-'. */
static void
unshift(struct str *into, struct slice text)
{
	uint32_t bits = 0, high = 0;
	int have = 0;
	for (size_t i = 0; i < text.len; i++) {
		bits = bits << 6 | (uint32_t)sextet((unsigned char)text.data[i]);
		have += 6;
		if (have < 16)
			continue;
		have -= 16;
		uint32_t unit = bits >> have & 0xffff;
		bits &= (1u << have) - 1;
		if (unit >= 0xd800 && unit <= 0xdbff) {
			high = unit;
			continue;
		}
		utf8_append(into, high != 0 ? 0x10000 + ((high & 0x3ff) << 10 | (unit & 0x3ff)) : unit);
		high = 0;
	}
}

bool
utf7_to_utf8(struct str *into, struct slice name)
{
	if (!utf7_ok(name))
		return false;
	while (name.len > 0) {
		size_t plain = slice_find(name, '&');
		str_append_slice(into, slice_first(name, plain));
		if (plain == name.len)
			break;
		name = slice_from(name, plain + 1);
		size_t end = slice_find(name, '-');
		if (end == 0)
			str_append_byte(into, '&');
		else
			unshift(into, slice_first(name, end));
		name = slice_from(name, end + 1);
	}
	return !into->failed;
}
