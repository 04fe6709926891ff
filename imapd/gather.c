#include "imapd/gather.h"

#include "lib/base/number.h"

static enum gather_result
result_of(enum input_result r)
{
	switch (r) {
	case INPUT_OK:
		return GATHER_OK;
	case INPUT_END:
		return GATHER_END;
	case INPUT_TIMEOUT:
		return GATHER_TIMEOUT;
	case INPUT_TOO_LONG:
		return GATHER_TOO_LONG;
	case INPUT_ERROR:
		break;
	}
	return GATHER_ERROR;
}

/* Appends what is there up to and with the next LF. True when the LF came. */
static bool
take_line_part(struct gather *g, enum gather_result *result)
{
	struct slice have = input_buffered(g->in);
	size_t len = slice_find(have, '\n');
	bool whole = len < have.len;
	if (!str_append_slice(&g->text, slice_first(have, len)))
		*result = GATHER_TOO_LONG;
	input_take(g->in, whole ? len + 1 : len);
	return whole;
}

/* One line without its end: CRLF, or a bare LF, which clients typed by hand send. */
static enum gather_result
read_line(struct gather *g, size_t begin)
{
	enum gather_result result = GATHER_OK;
	while (!take_line_part(g, &result) && result == GATHER_OK) {
		enum input_result r = input_fill(g->in);
		if (r != INPUT_OK)
			return result_of(r);
	}
	if (result == GATHER_OK && slice_ends(slice_from(str_slice(&g->text), begin), "\r"))
		str_truncate(&g->text, g->text.len - 1);
	return result;
}

static bool
are_digits(struct slice text)
{
	size_t digits = 0;
	while (digits < text.len && ascii_is_digit((unsigned char)text.data[digits]))
		digits++;
	return digits > 0 && digits == text.len;
}

/* A size beyond all bounds is one too: what comes behind it are no commands. */
bool
gather_announces(struct slice line, struct literal *literal)
{
	if (!slice_ends(line, "}"))
		return false;
	size_t open = slice_find_last(line, '{');
	if (open == line.len)
		return false;
	struct slice digits = slice_make(line.data + open + 1, line.len - open - 2);
	literal->unasked = slice_ends(digits, "+");
	if (literal->unasked)
		digits.len--;
	if (!are_digits(digits))
		return false;
	if (!number_parse(digits, INT64_MAX, &literal->size))
		literal->size = INT64_MAX;
	return true;
}

void
gather_invite(struct gather *g)
{
	if (g->literal.unasked)
		return;
	output_text(g->out, "+ OK\r\n");
	output_flush(g->out);
}

/* Reads the literal's bytes behind "{N}" CRLF into the text. */
static enum gather_result
read_literal(struct gather *g)
{
	uint64_t left = g->literal.size;
	size_t room = g->text.limit - g->text.len;
	if (left > g->literal_most || left > room || room - left < 2)
		return g->literal.unasked ? GATHER_TOO_LONG : GATHER_TOO_BIG;
	str_append_text(&g->text, "\r\n");
	gather_invite(g);
	while (left > 0) {
		struct slice bytes;
		enum input_result r = input_some(g->in, left, &bytes);
		if (r != INPUT_OK)
			return result_of(r);
		if (!str_append_slice(&g->text, bytes))
			return GATHER_TOO_LONG;
		left -= bytes.len;
	}
	return GATHER_OK;
}

static enum gather_result
gather(struct gather *g, bool (*streams)(struct slice so_far))
{
	str_clear(&g->text);
	g->streaming = false;
	for (;;) {
		size_t before = g->text.len;
		enum gather_result r = read_line(g, before);
		if (r != GATHER_OK)
			return r;
		if (!gather_announces(slice_from(str_slice(&g->text), before), &g->literal))
			return GATHER_OK;
		g->streaming = streams != NULL && streams(str_slice(&g->text));
		if (g->streaming)
			return GATHER_STREAM;
		r = read_literal(g);
		if (r != GATHER_OK)
			return r;
	}
}

enum gather_result
gather_rest(struct gather *g)
{
	return gather(g, g->streams_on);
}

enum gather_result
gather_command(struct gather *g)
{
	return gather(g, g->streams);
}
