#include "lib/base/number.h"

#include "lib/base/cursor.h"

struct unit {
	char     letter; /* lower case */
	uint64_t factor;
};

static const struct unit sizes[] = {{'k', 1024}, {'m', 1024 * 1024}, {'g', 1024 * 1024 * 1024}};
static const struct unit times[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};

static bool
parse_with_unit(struct slice text, const struct unit *units, size_t count, uint64_t most, uint64_t *result)
{
	struct cursor c = cursor_over(text);
	uint64_t factor = 1, value;
	if (!cursor_take_number(&c, most, &value))
		return false;
	int letter = ascii_lower(cursor_next(&c));
	if (letter != CURSOR_END) {
		size_t i = 0;
		while (i < count && units[i].letter != letter)
			i++;
		if (i == count)
			return false;
		factor = units[i].factor;
	}
	if (!cursor_at_end(&c) || __builtin_mul_overflow(value, factor, &value) || value > most)
		return false;
	*result = value;
	return true;
}

bool
number_parse(struct slice text, uint64_t most, uint64_t *number)
{
	return parse_with_unit(text, NULL, 0, most, number);
}

bool
number_parse_size(struct slice text, uint64_t most, uint64_t *bytes)
{
	return parse_with_unit(text, sizes, sizeof sizes / sizeof *sizes, most, bytes);
}

bool
number_parse_seconds(struct slice text, uint64_t most, uint64_t *seconds)
{
	return parse_with_unit(text, times, sizeof times / sizeof *times, most, seconds);
}

struct slice
number_digits(char room[NUMBER_WIDTH_MOST], uint64_t number, unsigned base, size_t width)
{
	size_t len = 0;
	do {
		room[NUMBER_WIDTH_MOST - ++len] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number > 0);
	while (len < width && len < NUMBER_WIDTH_MOST)
		room[NUMBER_WIDTH_MOST - ++len] = '0';
	return slice_make(room + NUMBER_WIDTH_MOST - len, len);
}
