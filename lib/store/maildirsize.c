#include "lib/store/maildirsize.h"

#include "lib/base/cursor.h"

static void
take_limit(struct maildirsize *m, int letter, uint64_t number)
{
	if (letter == 'S')
		m->limits.bytes = number;
	else if (letter == 'C')
		m->limits.messages = number;
	else if (letter == 'T')
		m->counted = number;
}

/* "10000000S,1000C" */
static bool
parse_limits(struct slice line, struct maildirsize *m)
{
	struct slice part;
	bool any = false;
	line = slice_trim(line);
	while (slice_split(&line, ',', &part)) {
		struct cursor c = cursor_over(slice_trim(part));
		uint64_t number;
		if (!cursor_take_number(&c, INT64_MAX, &number))
			return false;
		int letter = cursor_next(&c);
		if (!ascii_is_alpha(letter) || !cursor_at_end(&c))
			return false;
		take_limit(m, letter, number);
		any = true;
	}
	return any;
}

static bool
take_signed(struct cursor *c, int64_t *number)
{
	uint64_t size;
	bool negative = cursor_take(c, '-');
	if (!cursor_take_number(c, INT64_MAX, &size))
		return false;
	*number = negative ? -(int64_t)size : (int64_t)size;
	return true;
}

/* "4711 1" */
static bool
parse_change(struct slice line, int64_t *bytes, int64_t *messages)
{
	struct cursor c = cursor_over(slice_trim(line));
	if (!take_signed(&c, bytes) || (cursor_peek(&c) != ' ' && cursor_peek(&c) != '\t'))
		return false;
	cursor_skip_spaces(&c);
	return take_signed(&c, messages) && cursor_at_end(&c);
}

bool
maildirsize_parse(struct slice text, struct maildirsize *m)
{
	struct slice line;
	int64_t bytes = 0, messages = 0;
	*m = (struct maildirsize){.lines = 0};
	if (!slice_ends(text, "\n") || !slice_split(&text, '\n', &line) || !parse_limits(line, m))
		return false;
	for (; slice_split(&text, '\n', &line); m->lines++) {
		int64_t more_bytes, more_messages;
		if (!parse_change(line, &more_bytes, &more_messages) || __builtin_add_overflow(bytes, more_bytes, &bytes) ||
		    __builtin_add_overflow(messages, more_messages, &messages))
			return false;
	}
	if (m->lines == 0 || bytes < 0 || messages < 0)
		return false;
	m->used = (struct quota_amount){(uint64_t)bytes, (uint64_t)messages};
	return true;
}

bool
maildirsize_print(struct str *into, struct quota_amount limits, struct quota_amount used, uint64_t counted)
{
	/* No limit is "0S", as Dovecot has it: the first line must not be empty. */
	if (limits.bytes > 0 || limits.messages == 0)
		str_append_format(into, "%lluS", (unsigned long long)limits.bytes);
	if (limits.messages > 0)
		str_append_format(into, "%s%lluC", limits.bytes > 0 ? "," : "", (unsigned long long)limits.messages);
	if (counted > 0)
		str_append_format(into, ",%lluT", (unsigned long long)counted);
	return str_append_format(into, "\n%llu %llu\n", (unsigned long long)used.bytes, (unsigned long long)used.messages) && !into->failed;
}
