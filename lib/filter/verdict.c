#include "lib/filter/verdict.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cursor.h"

/* An enhanced code with its space from the front of `*text`: "5.7.1 " (RFC 3463 section 2). */
static bool
take_status(struct slice *text, struct slice *status)
{
	struct cursor c = cursor_over(*text);
	uint64_t class, subject, detail;
	if (!cursor_take_number(&c, 9, &class) || !cursor_take(&c, '.') || !cursor_take_number(&c, 999, &subject) ||
	    !cursor_take(&c, '.') || !cursor_take_number(&c, 999, &detail))
		return false;
	if (!cursor_at_end(&c) && cursor_peek(&c) != ' ')
		return false;
	*status = slice_first(*text, text->len - c.rest.len);
	*text = slice_trim(c.rest);
	return true;
}

static void
append(struct filter_answer *a, struct slice text)
{
	size_t len = strlen(a->text);
	if (len > 0 && len + 1 < sizeof a->text)
		a->text[len++] = '\n';
	for (size_t i = 0; i < text.len && len + 1 < sizeof a->text; i++)
		a->text[len++] = text.data[i] >= ' ' && text.data[i] <= '~' ? text.data[i] : '?';
	a->text[len] = '\0';
}

/* A status of another class would make a temporary trouble permanent, or the other way round. */
static void
set_status(struct filter_answer *a, struct slice status)
{
	if (status.len > 0 && status.len < sizeof a->status && status.data[0] == (char)('0' + a->code / 100))
		snprintf(a->status, sizeof a->status, "%.*s", (int)status.len, status.data);
}

void
filter_answer_set(struct filter_answer *a, unsigned code, const char *status, struct slice text)
{
	struct slice own;
	*a = (struct filter_answer){.code = code};
	snprintf(a->status, sizeof a->status, "%s", code / 100 == 5 ? "5.7.1" : "4.7.1");
	set_status(a, slice_of(status));
	if (take_status(&text, &own))
		set_status(a, own);
	append(a, text);
}

/* One line of a reply: code, "-" or " " or nothing, text. */
static bool
take_line(struct slice line, uint64_t *code, struct slice *text)
{
	struct cursor c = cursor_over(line);
	if (!cursor_take_number(&c, 599, code) || *code < 400 || line.len - c.rest.len != 3)
		return false;
	if (!cursor_at_end(&c) && !cursor_take(&c, '-') && !cursor_take(&c, ' '))
		return false;
	*text = slice_trim(c.rest);
	return true;
}

static struct slice
without_status(struct slice text)
{
	struct slice status;
	take_status(&text, &status);
	return text;
}

bool
filter_answer_parse(struct filter_answer *a, struct slice reply)
{
	struct slice line, text;
	uint64_t code, first = 0;
	while (slice_split(&reply, '\n', &line)) {
		if (slice_ends(line, "\r"))
			line.len--;
		if (!take_line(line, &code, &text) || (first != 0 && code != first))
			return false;
		/* An enhanced code stands in each line; that of the first counts. */
		if (first == 0)
			filter_answer_set(a, (unsigned)code, "", text);
		else
			append(a, without_status(text));
		first = code;
	}
	return first != 0;
}
