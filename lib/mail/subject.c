#include "lib/mail/subject.h"

#include "lib/mail/words.h"

bool
subject_text(struct str *into, struct slice value)
{
	size_t from = into->len, to = from;
	if (!words_decode(into, value))
		return false;
	for (size_t i = from; i < into->len; i++) {
		char c = into->data[i];
		bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
		if (blank && to > from && into->data[to - 1] == ' ')
			continue;
		into->data[to++] = blank ? ' ' : c;
	}
	str_truncate(into, to);
	return true;
}

static struct slice
skip_blanks(struct slice s)
{
	size_t len = 0;
	while (len < s.len && s.data[len] == ' ')
		len++;
	return slice_from(s, len);
}

/* "(fwd)" and spaces at the end. */
static struct slice
without_trailer(struct slice s, bool *reply)
{
	for (;;) {
		while (slice_ends(s, " "))
			s.len--;
		if (s.len < 5 || !slice_is_nocase(slice_from(s, s.len - 5), "(fwd)"))
			return s;
		s.len -= 5;
		*reply = true;
	}
}

/* "[...]" and spaces behind it. */
static bool
take_blob(struct slice *s)
{
	size_t len = 1;
	if (!slice_starts(*s, "["))
		return false;
	while (len < s->len && s->data[len] != '[' && s->data[len] != ']')
		len++;
	if (len == s->len || s->data[len] != ']')
		return false;
	*s = skip_blanks(slice_from(*s, len + 1));
	return true;
}

/* "Re:", "Fwd [2] :" */
static bool
take_mark(struct slice *s)
{
	struct slice rest = *s;
	if (slice_starts_nocase(rest, "fwd"))
		rest = slice_from(rest, 3);
	else if (slice_starts_nocase(rest, "re") || slice_starts_nocase(rest, "fw"))
		rest = slice_from(rest, 2);
	else
		return false;
	rest = skip_blanks(rest);
	take_blob(&rest);
	if (!slice_starts(rest, ":"))
		return false;
	*s = slice_from(rest, 1);
	return true;
}

/*
 * Blobs, and a mark behind them. Without a mark all the blobs go that have
 * something behind them: nothing that follows could make a mark of them later.
 */
static bool
take_leader(struct slice *s, bool *reply)
{
	struct slice rest = *s, last = *s;
	while (take_blob(&rest))
		if (rest.len > 0)
			last = rest;
	if (take_mark(&rest)) {
		*s = rest;
		*reply = true;
		return true;
	}
	*s = last;
	return false;
}

static struct slice
without_leaders(struct slice s, bool *reply)
{
	do
		s = skip_blanks(s);
	while (take_leader(&s, reply));
	return s;
}

struct slice
subject_base(struct slice text, bool *reply)
{
	*reply = false;
	for (;;) {
		text = without_leaders(without_trailer(text, reply), reply);
		if (!slice_starts_nocase(text, "[fwd:") || !slice_ends(text, "]"))
			return text;
		text = slice_from(slice_first(text, text.len - 1), 5);
		*reply = true;
	}
}
