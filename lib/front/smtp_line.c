#include "lib/front/smtp_line.h"

#include <stddef.h>
#include <string.h>

#define BEGINNING     16    /* bytes that are kept of a line that is too long */
#define OVERLONG_MOST 65536 /* bytes of a line that are thrown away; a line without an end is not worth the waiting */

static enum input_result
skip_line(struct input *in)
{
	for (size_t skipped = 0; skipped < OVERLONG_MOST;) {
		struct slice have = input_buffered(in);
		size_t at = slice_find(have, '\n');
		skipped += at;
		input_take(in, at < have.len ? at + 1 : have.len);
		if (at < have.len)
			return INPUT_OK;
		enum input_result r = input_fill(in);
		if (r != INPUT_OK)
			return r;
	}
	return INPUT_TOO_LONG;
}

static const char *
check(struct slice *line)
{
	if (!slice_ends(*line, "\r\n"))
		return "Lines end in CRLF, not in LF";
	line->len -= 2;
	if (slice_has(*line, '\r'))
		return "CR within a line";
	if (slice_has(*line, '\0'))
		return "NUL within a line";
	return NULL;
}

enum input_result
smtp_line_read(struct input *in, size_t most, struct slice *line, const char **problem)
{
	enum input_result r = input_line(in, most, line);
	if (r == INPUT_TOO_LONG) {
		static char beginning[BEGINNING];
		*line = slice_first(input_buffered(in), sizeof beginning);
		memcpy(beginning, line->data, line->len);
		line->data = beginning;
		*problem = "Line too long";
		return skip_line(in);
	}
	*problem = r == INPUT_OK ? check(line) : NULL;
	return r;
}
