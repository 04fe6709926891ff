#include "lib/base/cursor.h"

struct cursor
cursor_over(struct slice s)
{
	return (struct cursor){s};
}

bool
cursor_at_end(const struct cursor *c)
{
	return c->rest.len == 0;
}

int
cursor_peek(const struct cursor *c)
{
	return c->rest.len > 0 ? (unsigned char)c->rest.data[0] : CURSOR_END;
}

int
cursor_next(struct cursor *c)
{
	int byte = cursor_peek(c);
	if (byte != CURSOR_END)
		c->rest = slice_from(c->rest, 1);
	return byte;
}

bool
cursor_take(struct cursor *c, char byte)
{
	if (cursor_peek(c) != (unsigned char)byte)
		return false;
	cursor_next(c);
	return true;
}

bool
cursor_take_nocase(struct cursor *c, const char *text)
{
	if (!slice_starts_nocase(c->rest, text))
		return false;
	c->rest = slice_from(c->rest, slice_of(text).len);
	return true;
}

struct slice
cursor_take_while(struct cursor *c, bool (*wanted)(int byte))
{
	size_t len = 0;
	while (len < c->rest.len && wanted((unsigned char)c->rest.data[len]))
		len++;
	struct slice taken = slice_first(c->rest, len);
	c->rest = slice_from(c->rest, len);
	return taken;
}

bool
cursor_take_number(struct cursor *c, uint64_t most, uint64_t *number)
{
	struct cursor ahead = *c;
	uint64_t value = 0;
	if (!ascii_is_digit(cursor_peek(&ahead)))
		return false;
	while (ascii_is_digit(cursor_peek(&ahead))) {
		uint64_t digit = (uint64_t)(cursor_next(&ahead) - '0');
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
			return false;
		if (value > most)
			return false;
	}
	*number = value;
	*c = ahead;
	return true;
}

bool
cursor_take_nz_number(struct cursor *c, uint64_t most, uint64_t *number)
{
	return cursor_peek(c) != '0' && cursor_take_number(c, most, number);
}

bool
cursor_take_bytes(struct cursor *c, size_t len, struct slice *bytes)
{
	if (c->rest.len < len)
		return false;
	*bytes = slice_first(c->rest, len);
	c->rest = slice_from(c->rest, len);
	return true;
}

void
cursor_skip_spaces(struct cursor *c)
{
	while (cursor_take(c, ' ') || cursor_take(c, '\t'))
		;
}
