#include "pop3d/command.h"

#include "lib/base/number.h"

struct command
command_of(struct slice line)
{
	if (slice_ends(line, "\n"))
		line.len--;
	if (slice_ends(line, "\r"))
		line.len--;
	size_t space = slice_find(line, ' ');
	struct command c = {.name = slice_first(line, space), .argument = slice_from(line, space + 1)};
	c.has_argument = slice_trim(c.argument).len > 0;
	return c;
}

bool
command_message(struct slice text, uint64_t *number)
{
	return number_parse(slice_trim(text), UINT32_MAX, number) && *number > 0;
}

bool
command_top(struct slice argument, uint64_t *number, uint64_t *lines)
{
	argument = slice_trim(argument);
	size_t space = slice_find(argument, ' ');
	return command_message(slice_first(argument, space), number)
	    && number_parse(slice_trim(slice_from(argument, space)), SIZE_MAX - 1, lines);
}
