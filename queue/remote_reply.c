#include "queue/remote_reply.h"

#include <stdio.h>
#include <string.h>

#define LINE_MOST  2048 /* RFC 5321 says 512; some say more */
#define LINES_MOST 200

static bool
parse_line(struct slice line, int *code, bool *more, struct slice *text)
{
	while (line.len > 0 && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
		line.len--;
	if (line.len < 3 || line.data[0] < '2' || line.data[0] > '5' || !ascii_is_digit(line.data[1]) || !ascii_is_digit(line.data[2]))
		return false;
	if (line.len > 3 && line.data[3] != ' ' && line.data[3] != '-')
		return false;
	*code = (line.data[0] - '0') * 100 + (line.data[1] - '0') * 10 + (line.data[2] - '0');
	*more = line.len > 3 && line.data[3] == '-';
	*text = slice_from(line, 4);
	return true;
}

static void
keep_text(struct reply *r, struct slice text)
{
	size_t len = strlen(r->text);
	if (len > 0 && len < REPLY_TEXT_MOST)
		r->text[len++] = ' ';
	for (size_t i = 0; i < text.len && len < REPLY_TEXT_MOST; i++)
		r->text[len++] = text.data[i] >= ' ' && text.data[i] <= '~' ? text.data[i] : '?';
	r->text[len] = '\0';
}

enum reply_result
reply_read(struct input *in, struct reply *r, void (*each)(void *, struct slice), void *context)
{
	memset(r, 0, sizeof *r);
	for (int lines = 0; lines < LINES_MOST; lines++) {
		struct slice line, text;
		enum input_result got = input_line(in, LINE_MOST, &line);
		if (got == INPUT_TIMEOUT)
			return REPLY_TIMEOUT;
		if (got != INPUT_OK)
			return got == INPUT_TOO_LONG ? REPLY_BAD : REPLY_END;
		int code;
		bool more;
		if (!parse_line(line, &code, &more, &text) || (r->code != 0 && code != r->code))
			return REPLY_BAD;
		r->code = code;
		keep_text(r, text);
		if (each != NULL)
			each(context, text);
		if (!more)
			return REPLY_OK;
	}
	return REPLY_BAD;
}

/* "5.1.1" at the start of a text: its length, or 0. RFC 3463 section 2. */
static size_t
enhanced_len(const char *text)
{
	size_t len = strspn(text, "0123456789.");
	if (len < 5 || len > 9 || text[1] != '.' || strchr("245", text[0]) == NULL)
		return 0;
	const char *dot = memchr(text + 2, '.', len - 2);
	bool two = dot != NULL && dot > text + 2 && dot < text + len - 1;
	return two && memchr(dot + 1, '.', len - (size_t)(dot + 1 - text)) == NULL ? len : 0;
}

struct slice
reply_enhanced(const struct reply *r)
{
	return slice_make(r->text, enhanced_len(r->text));
}

struct outcome
reply_outcome(const struct reply *r, const char *host, const char *step, const char *fallback)
{
	char code[12], class = (char)('0' + r->code / 100);
	size_t len = enhanced_len(r->text);
	/* 3xx where it does not belong is the server's confusion: try again. */
	if (class == '3')
		class = '4';
	if (len > 0 && r->text[0] == class)
		snprintf(code, sizeof code, "%.*s", (int)len, r->text);
	else
		snprintf(code, sizeof code, "%c.%s", class, class == '2' ? "0.0" : fallback);
	return outcome_make(code, "%s answered %s: %d %s", host, step, r->code, r->text);
}
