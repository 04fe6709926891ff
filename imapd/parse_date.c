/* Dates in commands: the grammar's quotes here, their insides in lib/mail. */
#include "imapd/parse.h"

#include "lib/mail/date.h"

static bool
is_date(int byte)
{
	return ascii_is_alnum(byte) || byte == '-';
}

bool
parse_date(struct parser *p, int64_t *day)
{
	bool quoted = parse_maybe(p, '"');
	struct slice text = cursor_take_while(&p->c, is_date);
	if (date_parse_imap_day(text, day) && (!quoted || parse_maybe(p, '"')))
		return true;
	return parse_fail(p, "a date is missing or broken (1-Feb-2026)");
}

bool
parse_date_time(struct parser *p, struct date *date)
{
	struct slice text;
	if (cursor_peek(&p->c) == '"' && parse_string(p, &text) && date_parse_imap(text, date))
		return true;
	return parse_fail(p, "a date is broken (\"01-Feb-2026 10:00:00 +0000\")");
}
