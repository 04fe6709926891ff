#include "smtpd/parameters.h"

#include "lib/base/cursor.h"

static bool
is_keyword_byte(int c)
{
	return ascii_is_alnum(c) || c == '-';
}

static bool
is_value_byte(int c)
{
	return c > ' ' && c <= '~' && c != '=';
}

enum parameter_result
parameter_next(struct slice *rest, struct slice *keyword, struct slice *value)
{
	struct cursor c = cursor_over(*rest);
	bool parted = cursor_peek(&c) == ' ';
	cursor_skip_spaces(&c);
	if (cursor_at_end(&c))
		return PARAMETER_NONE;
	*keyword = cursor_take_while(&c, is_keyword_byte);
	if (!parted || keyword->len == 0 || keyword->data[0] == '-')
		return PARAMETER_WRONG;
	*value = (struct slice){NULL, 0};
	if (cursor_take(&c, '=')) {
		*value = cursor_take_while(&c, is_value_byte);
		if (value->len == 0)
			return PARAMETER_WRONG;
	}
	*rest = c.rest;
	return cursor_at_end(&c) || cursor_peek(&c) == ' ' ? PARAMETER_OK : PARAMETER_WRONG;
}
