#include "trace/follow.h"

bool
follow_begin(struct follow *f, const char *wanted)
{
	struct slice text = slice_of(wanted);
	if (slice_has(text, '@')) {
		f->address = text;
		return true;
	}
	ids_add(&f->messages, text);
	ids_add(&f->asked, text);
	return is_id(text);
}

static void
add_message(struct follow *f, struct slice id)
{
	if (f->messages.count >= MESSAGES_MOST && !ids_have(&f->messages, id))
		f->too_many = true;
	else if (ids_add(&f->messages, id))
		f->grown = true;
}

static void
add_session(struct follow *f, struct slice id)
{
	if (ids_add(&f->sessions, id))
		f->grown = true;
}

static bool
names_address(const struct follow *f, const struct entry *e)
{
	static const char *const keys[] = {"to", "from", "original", "alias", "about", "login", "user"};
	struct slice rest = e->fields, key, value;
	for (int n = 0; n < ENTRY_FIELDS_MOST && entry_next(&rest, &key, &value); n++) {
		if (!slice_equal_nocase(value, f->address))
			continue;
		for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
			if (slice_is(key, keys[i]))
				return true;
	}
	return false;
}

bool
follow_entry(struct follow *f, const struct entry *e)
{
	struct slice message = entry_message(e), session = entry_field(e, "session"), bounce = entry_field(e, "bounce");
	bool named = f->address.len > 0 && names_address(f, e);
	if (named || ids_have(&f->asked, session) || ids_have(&f->messages, bounce))
		add_message(f, message);
	if (named || ids_have(&f->asked, session))
		add_session(f, session);
	if (message.len == 0)
		return named || ids_have(&f->sessions, session);
	if (!ids_have(&f->messages, message))
		return false;
	add_message(f, bounce);
	add_session(f, session);
	return true;
}
