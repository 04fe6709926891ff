#include "authd/relay_login.h"

#include "authd/classify.h"
#include "authd/transport.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"

/* "smtp:[host]:port" without its transport's name. */
static struct slice
bare_hop(struct slice hop)
{
	static const char *const names[] = {"smtp:", "smtps:", "relay:"};
	hop = slice_trim(hop);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (slice_starts_nocase(hop, names[i]))
			return slice_from(hop, slice_of(names[i]).len);
	return hop;
}

/* Host without brackets and what is behind it (":port"). */
static struct slice
host_of(struct slice hop, struct slice *rest)
{
	bool brackets = slice_starts(hop, "[");
	size_t end = slice_find(hop, brackets ? ']' : ':');
	*rest = slice_from(hop, brackets ? end + 1 : end);
	return brackets ? slice_from(slice_first(hop, end), 1) : slice_first(hop, end);
}

static enum verdict
look_up(struct resolution *r, struct slice key, struct slice *value)
{
	const struct text_map *m = &r->options->files->relay_passwords;
	enum fact_state state = key.len > 0 ? text_map_find(m, key, value) : FACT_NONE;
	/* The password is never told. */
	facts_explain(&r->facts, "relay_passwords", key, state, slice_of("(a login)"));
	if (state == FACT_LATER)
		r->why = "the file of the setting relay_passwords could not be read";
	return state == FACT_FOUND ? VERDICT_OK : state == FACT_NONE ? VERDICT_NO : VERDICT_LATER;
}

static enum verdict
look_up_host(struct resolution *r, const char *before, struct slice host, const char *after, struct slice rest, struct slice *value)
{
	struct str key = STR_MOST(MAP_KEY_MOST);
	str_append_text(&key, before);
	address_append_lower(&key, host);
	str_append_text(&key, after);
	str_append_slice(&key, rest);
	enum verdict v = key.failed ? VERDICT_NO : look_up(r, str_slice(&key), value);
	str_free(&key);
	return v;
}

/* As it is written, then without the port, then with and without brackets. */
static enum verdict
find_by_name(struct resolution *r, struct slice host, bool brackets, struct slice rest, struct slice *value)
{
	struct slice none = slice_of("");
	enum verdict v = VERDICT_NO;
	for (int turn = 0; host.len > 0 && v == VERDICT_NO && turn < 2; turn++, brackets = !brackets) {
		const char *before = brackets ? "[" : "", *after = brackets ? "]" : "";
		if (rest.len > 0)
			v = look_up_host(r, before, host, after, rest, value);
		if (v == VERDICT_NO)
			v = look_up_host(r, before, host, after, none, value);
	}
	return v;
}

/* Then with its name in the other form, if it has one (parts.h). */
static enum verdict
find_by_host(struct resolution *r, struct slice hop, struct slice *value)
{
	struct slice rest, host = host_of(hop, &rest);
	bool brackets = slice_starts(hop, "[");
	enum verdict v = find_by_name(r, host, brackets, rest, value);
	for (int form = 0; v == VERDICT_NO && form < FORM_COUNT; form++) {
		struct str other = STR_MOST(MAP_KEY_MOST);
		if (parts_print_form(host, (enum domain_form)form, &other))
			v = find_by_name(r, str_slice(&other), brackets, rest, value);
		str_free(&other);
	}
	return v;
}

static enum verdict
find_by_sender(struct resolution *r, struct slice hop, struct slice *value)
{
	const struct parts *p = &r->parts;
	const struct slice keys[] = {str_slice(&p->full), str_slice(&p->base), str_slice(&p->catch_all)};
	struct slice own;
	enum verdict v = find_sender_relay(r, p, &own);
	if (v == VERDICT_NO) {
		own = slice_of(r->options->relay_host);
		v = own.len > 0 ? VERDICT_OK : VERDICT_NO;
	}
	if (v != VERDICT_OK || p->full.len == 0 || !slice_equal_nocase(bare_hop(own), hop))
		return v == VERDICT_OK ? VERDICT_NO : v;
	v = VERDICT_NO;
	for (size_t i = 0; v == VERDICT_NO && i < sizeof keys / sizeof *keys; i++)
		v = look_up(r, keys[i], value);
	return v;
}

static enum verdict
put_login(struct resolution *r, struct slice value)
{
	size_t colon = slice_find(value, ':');
	if (colon == 0 || colon + 1 >= value.len) {
		r->why = "a line of relay_passwords must be: HOST USER:PASSWORD";
		log_error("relay-password-wrong", log_text("file", r->options->files->relay_passwords.file.path), log_text("hint", r->why));
		return VERDICT_LATER;
	}
	str_append_slice(&r->fields, slice_first(value, colon));
	str_append_byte(&r->fields, '\0');
	str_append_slice(&r->fields, slice_from(value, colon + 1));
	str_append_byte(&r->fields, '\0');
	return VERDICT_OK;
}

enum verdict
resolve_relay_login(struct resolution *r)
{
	struct slice value = slice_of(""), hop = bare_hop(str_slice(&r->login));
	if (r->options->files == NULL || hop.len == 0)
		return VERDICT_NO;
	enum verdict v = find_by_sender(r, hop, &value);
	if (v == VERDICT_NO)
		v = find_by_host(r, hop, &value);
	return v == VERDICT_OK ? put_login(r, value) : v;
}
