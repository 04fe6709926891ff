#include "lib/store/utf7.h"

#include <stdint.h>

#include "lib/base/cursor.h"

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
