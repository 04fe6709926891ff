#include "trace/entry.h"

static struct slice
take_word(struct slice *rest)
{
	size_t end = slice_find(*rest, ' ');
	struct slice word = slice_first(*rest, end);
	*rest = slice_from(*rest, end + 1);
	return word;
}

static bool
is_level(struct slice word)
{
	return slice_is(word, "info:") || slice_is(word, "warning:") || slice_is(word, "error:") || slice_is(word, "debug:");
}

static struct slice
without_colon(struct slice word)
{
	return slice_first(word, word.len - 1);
}

/* `postern-X: level: event fields`. */
static bool
parse_ours(struct slice line, struct entry *e)
{
	struct slice program = take_word(&line);
	struct slice level = take_word(&line);
	if (!slice_starts(program, "postern-") || !slice_ends(program, ":") || !is_level(level))
		return false;
	e->program = slice_from(without_colon(program), sizeof "postern-" - 1);
	e->level = without_colon(level);
	e->event = take_word(&line);
	e->fields = line;
	return e->event.len > 0;
}

bool
entry_parse(struct slice line, const struct stamp_habits *habits, struct entry *e)
{
	e->time = ENTRY_NO_TIME;
	stamp_take(&line, habits, &e->time);
	if (parse_ours(line, e))
		return true;
	/* A host may stand before the tag, or nothing. */
	for (int words = 0; words < 2; words++)
		if (slice_ends(take_word(&line), ":"))
			return parse_ours(line, e);
	return false;
}

bool
entry_next(struct slice *fields, struct slice *key, struct slice *value)
{
	while (fields->len > 0 && fields->data[0] == ' ')
		*fields = slice_from(*fields, 1);
	size_t equals = slice_find(*fields, '=');
	if (equals == fields->len)
		return false;
	*key = slice_first(*fields, equals);
	*fields = slice_from(*fields, equals + 1);
	if (!slice_starts(*fields, "\"")) {
		*value = take_word(fields);
		return true;
	}
	*fields = slice_from(*fields, 1);
	/* A quote within a value is written \x22, so the next one ends it. */
	size_t end = slice_find(*fields, '"');
	*value = slice_first(*fields, end);
	*fields = slice_from(*fields, end + 1);
	return true;
}

struct slice
entry_field(const struct entry *e, const char *key)
{
	struct slice rest = e->fields, name, value;
	for (int i = 0; i < ENTRY_FIELDS_MOST && entry_next(&rest, &name, &value); i++)
		if (slice_is(name, key))
			return value;
	return slice_make(NULL, 0);
}

struct slice
entry_message(const struct entry *e)
{
	struct slice id = entry_field(e, "queue");
	return id.len > 0 ? id : entry_field(e, "message");
}
