#include "imapd/pattern.h"

#include <string.h>

/*
 * reached[i]: the pattern's first i bytes match the name so far. A step takes
 * one byte of the name; no going back, so no pattern is slow.
 */
struct states {
	bool reached[PATTERN_MOST + 1];
};

static bool
is_wild(char c)
{
	return c == '*' || c == '%';
}

/* A wildcard may stand for nothing. */
static void
skip_wildcards(struct slice pattern, struct states *s)
{
	for (size_t i = 0; i < pattern.len; i++)
		if (s->reached[i] && is_wild(pattern.data[i]))
			s->reached[i + 1] = true;
}

static void
step(struct slice pattern, struct states *s, char byte)
{
	struct states next;
	memset(next.reached, 0, pattern.len + 1);
	for (size_t i = 0; i < pattern.len; i++) {
		if (!s->reached[i])
			continue;
		char c = pattern.data[i];
		if (c == '*' || (c == '%' && byte != '.'))
			next.reached[i] = true;
		else if (c == byte && !is_wild(c))
			next.reached[i + 1] = true;
	}
	memcpy(s->reached, next.reached, pattern.len + 1);
}

bool
pattern_matches(struct slice pattern, struct slice name)
{
	struct states s;
	if (pattern.len > PATTERN_MOST)
		return false;
	if (slice_is(name, "INBOX") && slice_equal_nocase(pattern, name))
		return true;
	memset(s.reached, 0, pattern.len + 1);
	s.reached[0] = true;
	for (size_t i = 0; i < name.len; i++) {
		skip_wildcards(pattern, &s);
		step(pattern, &s, name.data[i]);
	}
	skip_wildcards(pattern, &s);
	return s.reached[pattern.len];
}
