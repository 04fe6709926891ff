#include "lib/mail/parameters.h"

#include "lib/base/cursor.h"

static bool
is_keyword_byte(int c)
{
	return ascii_is_alnum(c) || c == '-';
}

/* esmtp-value, with what RFC 6531 section 3.3 adds to it: each parameter says itself whether it may be UTF-8. */
static bool
is_value_byte(int c)
{
	return c > ' ' && c != 0x7f && c != '=';
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

struct parameter_problem
parameter_wrong(const char *text)
{
	return (struct parameter_problem){501, "5.5.4", text};
}

static size_t
find(const struct parameter *table, size_t rows, struct slice keyword)
{
	size_t at = 0;
	while (at < rows && !slice_is_nocase(keyword, table[at].keyword))
		at++;
	return at;
}

struct parameter_problem
parameters_read(
    const struct parameter *table, size_t rows, void *said, struct slice rest, const struct parameter_facts *facts)
{
	struct slice keyword, value;
	enum parameter_result r;
	uint32_t seen = 0;
	while ((r = parameter_next(&rest, &keyword, &value)) == PARAMETER_OK) {
		size_t at = find(table, rows, keyword);
		if (at == rows)
			return (struct parameter_problem){555, "5.5.4", "Unknown parameter"};
		if (seen & (UINT32_C(1) << at))
			return parameter_wrong("A parameter is given twice");
		seen |= UINT32_C(1) << at;
		if ((table[at].value == VALUE_NEEDED) != (value.data != NULL))
			return parameter_wrong(value.data != NULL ? "This parameter has no value" : "A parameter lacks its value");
		struct parameter_problem problem = table[at].take(said, value, facts);
		if (problem.text != NULL)
			return problem;
	}
	return r == PARAMETER_NONE ? PARAMETER_FINE : parameter_wrong("Wrong syntax of a parameter");
}
