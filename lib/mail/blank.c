#include "lib/mail/blank.h"

static bool
is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void
blank_skip(struct cursor *c)
{
	size_t depth = 0;
	for (;;) {
		int byte = cursor_peek(c);
		if (byte == '(')
			depth++;
		else if (byte == ')' && depth > 0)
			depth--;
		else if (byte == '\\' && depth > 0)
			cursor_next(c);
		else if (byte == CURSOR_END || (depth == 0 && !is_space(byte)))
			return;
		cursor_next(c);
	}
}
