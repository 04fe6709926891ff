#include "authd/query_quota.h"

#include <stdint.h>

#include "lib/base/number.h"

struct limits {
	bool     any;
	uint64_t bytes, messages;
};

/* "5G"; `unit` is what a number without one counts. */
static bool
take_size(struct slice text, uint64_t unit, uint64_t *bytes)
{
	static const char letters[] = "bkmgt";
	if (text.len > 0 && !ascii_is_digit((unsigned char)text.data[text.len - 1])) {
		size_t power = slice_find(slice_of(letters), (char)ascii_lower((unsigned char)text.data[text.len - 1]));
		if (power == sizeof letters - 1)
			return false;
		unit = (uint64_t)1 << (10 * power);
		text.len--;
	}
	return number_parse(text, INT64_MAX, bytes) && !__builtin_mul_overflow(*bytes, unit, bytes) && *bytes <= INT64_MAX;
}

/* storage=5G, bytes=..., messages=...; other words are not limits. */
static bool
take_limit(struct slice word, struct limits *l)
{
	size_t equals = slice_find(word, '=');
	struct slice name = slice_first(word, equals), value = slice_from(word, equals + 1);
	bool storage = slice_is_nocase(name, "storage"), bytes = slice_is_nocase(name, "bytes"), messages = slice_is_nocase(name, "messages");
	l->any = l->any || storage || bytes || messages;
	if (storage || bytes)
		return take_size(value, storage ? 1024 : 1, &l->bytes);
	return !messages || number_parse(value, INT64_MAX, &l->messages);
}

/* False: it says nothing. `value` gets the limits behind the first colon, or the whole rule when one cannot be read. */
static bool
put_rule(struct slice rule, struct str *value)
{
	struct limits l = {.any = false};
	struct slice rest = slice_from(rule, slice_find(rule, ':') + 1), word;
	bool ok = true;
	while (slice_split(&rest, ':', &word))
		ok = take_limit(slice_trim(word), &l) && ok;
	if (!l.any)
		return false;
	if (!ok)
		return str_set(value, rule);
	str_clear(value);
	return str_append_format(value, "%llu,%llu", (unsigned long long)l.bytes, (unsigned long long)l.messages);
}

bool
query_quota_of_rule(struct slice rule, struct str *value)
{
	return (slice_starts(rule, "*:") || slice_starts(rule, "?:")) && put_rule(rule, value);
}

static bool
of_column(struct slice name, struct slice text, struct str *value)
{
	/* quota_rule, quota_rule2 ... Rules of other mailboxes than "*" are of single folders. */
	if (slice_starts_nocase(name, "quota_rule"))
		return query_quota_of_rule(text, value);
	if (slice_is_nocase(name, "quota"))
		return slice_has(text, ':') ? put_rule(text, value) : text.len > 0 && str_set(value, text);
	return slice_is_nocase(name, "quota_bytes") && text.len > 0 && str_set(value, text);
}

bool
query_quota_of_row(struct slice row, struct str *value)
{
	struct slice name, text;
	while (slice_split(&row, COLUMN_BETWEEN, &name)) {
		if (!slice_split(&row, COLUMN_BETWEEN, &text))
			text = slice_of("");
		if (slice_starts_nocase(name, "userdb_"))
			name = slice_from(name, 7);
		if (of_column(name, slice_trim(text), value))
			return true;
	}
	return false;
}
