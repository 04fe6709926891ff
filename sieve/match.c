#include "sieve/match.h"

#include "lib/mail/utf8.h"

/* One comparison under way. */
struct comparing {
	enum sieve_comparator by;
	uint64_t              left; /* of the budget */
};

static bool
spend(struct comparing *c)
{
	if (c->left == 0)
		return false;
	c->left--;
	return true;
}

static bool
same(const struct comparing *c, char a, char b)
{
	if (c->by == COMPARE_OCTET)
		return a == b;
	return ascii_lower((unsigned char)a) == ascii_lower((unsigned char)b);
}

static bool
starts(struct comparing *c, struct slice value, struct slice key)
{
	if (value.len < key.len)
		return false;
	for (size_t i = 0; i < key.len; i++)
		if (!spend(c) || !same(c, value.data[i], key.data[i]))
			return false;
	return true;
}

static bool
contains(struct comparing *c, struct slice value, struct slice key)
{
	for (size_t i = 0; i + key.len <= value.len && spend(c); i++)
		if (starts(c, slice_from(value, i), key))
			return true;
	return false;
}

/* --- :matches ------------------------------------------------------------------------------ */

/* The bytes of one character: what i;octet compares are bytes. */
static size_t
character(const struct comparing *c, struct slice value)
{
	unsigned number;
	size_t len = c->by == COMPARE_OCTET ? 1 : utf8_character(value, &number);
	return len > 0 ? len : 1;
}

/* One element of the pattern that is no star against the front of the value. False: it does not fit. */
static bool
take_one(const struct comparing *c, struct slice *pattern, struct slice *value)
{
	if (pattern->len == 0 || value->len == 0)
		return false;
	size_t taken = 1;
	char wanted = pattern->data[0];
	if (wanted == '?') {
		*value = slice_from(*value, character(c, *value));
		*pattern = slice_from(*pattern, 1);
		return true;
	}
	if (wanted == '\\' && pattern->len > 1) {
		wanted = pattern->data[1];
		taken = 2;
	}
	if (!same(c, wanted, value->data[0]))
		return false;
	*value = slice_from(*value, 1);
	*pattern = slice_from(*pattern, taken);
	return true;
}

/* When something does not fit, the last star takes one byte more: earlier ones never need to. */
static bool
matches(struct comparing *c, struct slice value, struct slice pattern)
{
	struct slice star = {NULL, 0}, behind = value;
	while (spend(c)) {
		if (slice_starts(pattern, "*")) {
			pattern = slice_from(pattern, 1);
			star = pattern;
			behind = value;
			if (pattern.len == 0)
				return true;
		} else if (value.len == 0 && pattern.len == 0) {
			return true;
		} else if (!take_one(c, &pattern, &value)) {
			if (star.data == NULL || behind.len == 0)
				return false;
			behind = slice_from(behind, 1);
			value = behind;
			pattern = star;
		}
	}
	return false;
}

enum sieve_answer
sieve_match(struct sieve_run *r, const struct sieve_said *said, struct slice value, struct sieve_strings keys)
{
	struct comparing c = {.by = said->comparator, .left = r->budget};
	bool found = false;
	for (size_t i = 0; i < keys.count && !found; i++) {
		struct slice key = keys.items[i];
		if (!spend(&c))
			break;
		if (said->match == MATCH_IS)
			found = value.len == key.len && starts(&c, value, key);
		else if (said->match == MATCH_CONTAINS)
			found = contains(&c, value, key);
		else
			found = matches(&c, value, key);
	}
	r->budget = c.left;
	if (c.left == 0)
		return sieve_over_budget(r);
	return found ? ANSWER_YES : ANSWER_NO;
}
