#include "authd/resolve.h"

#include <string.h>

#include "authd/bcc.h"
#include "authd/classify.h"
#include "authd/home.h"
#include "authd/reach.h"
#include "authd/relay_login.h"
#include "authd/rewrite.h"
#include "authd/targets.h"
#include "authd/transport.h"

/* --- the question ------------------------------------------------------------------- */

static bool
is_login(enum inquiry_kind kind)
{
	return kind == INQUIRY_HOME || kind == INQUIRY_PASSWORD;
}

/* user@domain from user/domain, which Courier's and PostfixAdmin's users may type; and from user alone where a default domain is set. */
static void
complete_login(struct str *into, const struct resolve_options *options, const char *login)
{
	struct slice written = slice_of(login);
	str_append_slice(into, written);
	if (written.len == 0 || slice_has(written, '@'))
		return;
	size_t slash = slice_find(written, '/');
	if (!into->failed && slash < into->len) {
		into->data[slash] = '@';
	} else if (options->default_domain[0] != '\0') {
		str_append_byte(into, '@');
		str_append_text(into, options->default_domain);
	}
}

static bool
take_address(struct resolution *r, const char *address)
{
	if (!is_login(r->kind))
		return parts_take(&r->parts, slice_of(address), r->options->recipient_delimiter);
	struct str login = STR_MOST(MAP_KEY_MOST);
	complete_login(&login, r->options, address);
	bool ok = parts_take(&r->parts, str_slice(&login), "") && !login.failed;
	str_free(&login);
	return ok;
}

bool
resolution_begin(struct resolution *r, enum inquiry_kind kind, const struct resolve_options *options,
    struct fact_source *source, const char *address, const char *login)
{
	*r = (struct resolution){.kind = kind, .options = options, .why = "", .login = STR_MOST(MAP_KEY_MOST), .original = STR_MOST(MAP_KEY_MOST), .fields = STR_MOST(MAP_VALUE_MOST)};
	facts_begin(&r->facts, source);
	if (kind == INQUIRY_SENDER)
		complete_login(&r->login, options, login);
	else
		str_append_text(&r->login, login);
	return take_address(r, address) && !r->login.failed;
}

void
resolution_end(struct resolution *r)
{
	facts_end(&r->facts);
	if ((r->kind == INQUIRY_PASSWORD || r->kind == INQUIRY_RELAY_LOGIN) && r->fields.data != NULL)
		explicit_bzero(r->fields.data, r->fields.room);
	parts_free(&r->parts);
	str_free(&r->login);
	str_free(&r->original);
	str_free(&r->fields);
}

bool
resolution_refuses(const struct resolution *r, enum verdict v)
{
	if (v == VERDICT_OK && r->kind == INQUIRY_RCPT)
		return strcmp(str_text(&r->fields), "unknown") == 0 || strcmp(str_text(&r->fields), "foreign") == 0;
	return v == VERDICT_NO;
}

static enum verdict
put_field(struct resolution *r, struct slice field)
{
	str_append_slice(&r->fields, field);
	str_append_byte(&r->fields, '\0');
	return VERDICT_OK;
}

/* --- the questions ------------------------------------------------------------------- */

static enum verdict
put_mailbox_class(struct resolution *r, const struct finding *found)
{
	bool full;
	enum verdict v = home_is_full(r, found->user, &full);
	if (v != VERDICT_OK)
		return v;
	put_field(r, slice_of(full ? "full" : "mailbox"));
	return home_put_limit(r, found->user);
}

static enum verdict
resolve_rcpt(struct resolution *r)
{
	static const char *const names[] = {
	    [CLASS_MAILBOX] = "mailbox", [CLASS_ALIAS] = "alias", [CLASS_RELAY] = "relay", [CLASS_UNKNOWN] = "unknown", [CLASS_FOREIGN] = "foreign",
	    [CLASS_RETURN] = "return",
	};
	struct finding found;
	enum verdict v = classify(r, &r->parts, &found);
	if (v != VERDICT_OK)
		return v;
	return found.class == CLASS_MAILBOX ? put_mailbox_class(r, &found) : put_field(r, slice_of(names[found.class]));
}

static enum verdict
resolve_alias(struct resolution *r)
{
	struct finding found;
	enum verdict v = classify(r, &r->parts, &found);
	if (v != VERDICT_OK)
		return v;
	if (found.class == CLASS_RETURN)
		return put_field(r, found.value);
	return found.class == CLASS_ALIAS ? targets_put(r, &r->parts, found.value, found.user) : VERDICT_NO;
}

/* An alias in a relay domain that names itself too: that one is the other host's, and queued must know. */
static enum verdict
no_mailbox(struct resolution *r)
{
	enum verdict v = is_relayed(r, &r->parts);
	if (v == VERDICT_OK)
		put_field(r, slice_of("relay"));
	return v == VERDICT_OK ? VERDICT_NO : v;
}

static enum verdict
resolve_mailbox(struct resolution *r)
{
	struct finding found;
	enum verdict v = find_mailbox(r, &r->parts, &found);
	if (v == VERDICT_NO)
		return no_mailbox(r);
	if (v == VERDICT_OK)
		v = home_put(r, found.user, found.value);
	if (v != VERDICT_OK)
		return v;
	bool exact = slice_equal(found.user, str_slice(&r->parts.full));
	put_field(r, exact ? slice_of("") : str_slice(&r->parts.extension));
	return home_put_domain(r, found.user);
}

static enum verdict
resolve_home(struct resolution *r)
{
	struct slice value, user = str_slice(&r->parts.full);
	enum verdict v = ask(r, MAP_MAILBOX, user, &value);
	if (v == VERDICT_OK)
		v = home_put(r, user, value);
	return v == VERDICT_OK ? home_put_domain(r, user) : v;
}

static enum verdict
resolve_password(struct resolution *r)
{
	struct slice rows, user = str_slice(&r->parts.full);
	if (r->parts.catch_all.len == 0)
		r->why = "the login has no domain: log in with the full address, or set default_domain";
	enum verdict v = ask(r, MAP_PASSWORD, user, &rows);
	if (v != VERDICT_OK)
		return v;
	put_field(r, user);
	return put_field(r, rows);
}

static enum verdict
resolve_sender_bcc(struct resolution *r)
{
	return resolve_bcc(r, MAP_SENDER_BCC);
}

static enum verdict
resolve_recipient_bcc(struct resolution *r)
{
	return resolve_bcc(r, MAP_RECIPIENT_BCC);
}

/* --- who may send as it ---------------------------------------------------------------- */

/* Whether the address with its extension is in a table itself: then it may be another's than the one without. */
static enum verdict
stands_alone(struct resolution *r)
{
	struct slice value, full = str_slice(&r->parts.full);
	enum verdict v = ask(r, MAP_ALIAS, full, &value);
	return v == VERDICT_NO ? ask(r, MAP_MAILBOX, full, &value) : v;
}

/* Grants by name, for the address, the address without extension, or its whole domain. */
static enum verdict
is_granted(struct resolution *r, struct slice login)
{
	const struct slice keys[] = {str_slice(&r->parts.full), str_slice(&r->parts.base), str_slice(&r->parts.catch_all)};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct slice logins, one;
		enum verdict v = ask(r, MAP_SENDER, keys[i], &logins);
		if (v == VERDICT_NO)
			continue;
		if (v != VERDICT_OK)
			return v;
		while (next_target(&logins, &one))
			if (slice_equal_nocase(one, login))
				return VERDICT_OK;
	}
	return VERDICT_NO;
}

/* A login may use its own address, with any extension that nobody else has, what is granted to it, and each address whose mail reaches it. */
static enum verdict
resolve_sender(struct resolution *r)
{
	struct slice login = str_slice(&r->login);
	if (login.len == 0 || r->parts.full.len == 0)
		return VERDICT_NO;
	if (slice_equal_nocase(login, str_slice(&r->parts.full)))
		return VERDICT_OK;
	enum verdict v = slice_equal_nocase(login, str_slice(&r->parts.base)) ? stands_alone(r) : VERDICT_OK;
	if (v != VERDICT_OK)
		return v == VERDICT_NO ? VERDICT_OK : v;
	v = is_granted(r, login);
	return v == VERDICT_NO ? reaches(r, &r->parts, login) : v;
}

enum verdict
resolve(struct resolution *r)
{
	static enum verdict (*const questions[])(struct resolution *) = {
	    [INQUIRY_RCPT] = resolve_rcpt, [INQUIRY_ALIAS] = resolve_alias, [INQUIRY_MAILBOX] = resolve_mailbox,
	    [INQUIRY_TRANSPORT] = resolve_transport, [INQUIRY_SENDER] = resolve_sender, [INQUIRY_HOME] = resolve_home,
	    [INQUIRY_PASSWORD] = resolve_password, [INQUIRY_WAY] = resolve_transport, [INQUIRY_SENDER_BCC] = resolve_sender_bcc,
	    [INQUIRY_RECIPIENT_BCC] = resolve_recipient_bcc, [INQUIRY_FORWARD] = resolve_forward,
	    [INQUIRY_RELAY_LOGIN] = resolve_relay_login,
	};
	str_clear(&r->fields);
	r->why = "";
	/* A login is what its row says, byte for byte: with other forms it would have other limits too. */
	enum verdict v = is_login(r->kind) ? VERDICT_OK : classify_settle_form(r, &r->parts);
	if (v == VERDICT_OK)
		v = questions[r->kind](r);
	if (!r->fields.failed)
		return v;
	r->why = "the answer is longer than a packet may be";
	return VERDICT_LATER;
}
