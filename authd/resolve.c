#include "authd/resolve.h"

#include <string.h>

#include "authd/resolve_steps.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"

/* --- the address, taken apart ---------------------------------------------- */

static void
fold(struct str *into, struct slice text)
{
	*into = STR_MOST(MAP_KEY_MOST);
	address_append_lower(into, text);
}

/* user@domain from user/domain, which Courier's and PostfixAdmin's users may type. */
static void
fold_login(struct str *into, const char *login)
{
	fold(into, slice_of(login));
	size_t slash = slice_find(str_slice(into), '/');
	if (!into->failed && slash < into->len && !slice_has(str_slice(into), '@'))
		into->data[slash] = '@';
}

static void
take_apart(struct resolution *r)
{
	struct slice local, domain, user, extension = slice_of("");
	struct slice written = str_slice(&r->address);
	address_split(written, &local, &domain);
	const char *delimiters = r->options->recipient_delimiter;
	if (domain.len > 0 && delimiters[0] != '\0' && !slice_starts(local, "\""))
		address_split_extension(local, delimiters, &user, &extension);
	r->extension = STR_MOST(MAP_KEY_MOST);
	str_append_slice(&r->extension, extension);
	r->base = STR_MOST(MAP_KEY_MOST);
	r->catch_all = STR_MOST(MAP_KEY_MOST);
	if (extension.len > 0) {
		address_append_lower(&r->base, user);
		str_append_byte(&r->base, '@');
		address_append_lower(&r->base, domain);
	}
	if (domain.len > 0) {
		str_append_byte(&r->catch_all, '@');
		address_append_lower(&r->catch_all, domain);
	}
}

static bool
is_login(enum inquiry_kind kind)
{
	return kind == INQUIRY_HOME || kind == INQUIRY_PASSWORD;
}

bool
resolution_begin(struct resolution *r, enum inquiry_kind kind, const struct resolve_options *options,
    struct fact_source *source, const char *address, const char *login)
{
	r->kind = kind;
	r->options = options;
	r->why = "";
	facts_begin(&r->facts, source);
	r->address = STR_MOST(MAP_KEY_MOST);
	r->fields = STR_MOST(MAP_VALUE_MOST);
	str_append_text(&r->address, address);
	if (is_login(kind))
		fold_login(&r->full, address);
	else
		fold(&r->full, slice_of(address));
	fold_login(&r->login, login);
	take_apart(r);
	return !r->address.failed && !r->full.failed && !r->login.failed && !r->base.failed && !r->catch_all.failed &&
	    !r->extension.failed;
}

void
resolution_end(struct resolution *r)
{
	facts_end(&r->facts);
	if (r->kind == INQUIRY_PASSWORD && r->fields.data != NULL)
		explicit_bzero(r->fields.data, r->fields.room);
	str_free(&r->address);
	str_free(&r->login);
	str_free(&r->full);
	str_free(&r->base);
	str_free(&r->catch_all);
	str_free(&r->extension);
	str_free(&r->fields);
}

/* --- steps ------------------------------------------------------------------- */

enum verdict
ask(struct resolution *r, enum map map, struct slice key, struct slice *value)
{
	if (key.len == 0)
		return VERDICT_NO;
	const struct fact *f = facts_ask(&r->facts, map, key);
	if (f == NULL)
		return VERDICT_WAIT;
	if (f->state == FACT_LATER)
		r->why = "a table could not be asked";
	*value = str_slice(&f->value);
	return f->state == FACT_FOUND ? VERDICT_OK : f->state == FACT_NONE ? VERDICT_NO : VERDICT_LATER;
}

void
put_field(struct resolution *r, struct slice field)
{
	str_append_slice(&r->fields, field);
	str_append_byte(&r->fields, '\0');
}

static enum verdict
answer_text(struct resolution *r, const char *field)
{
	put_field(r, slice_of(field));
	return VERDICT_OK;
}

/* --- the questions ------------------------------------------------------------- */

static enum verdict
rcpt_outside(struct resolution *r, struct slice domain)
{
	struct slice value;
	enum verdict v = ask(r, MAP_RELAY_DOMAIN, domain, &value);
	if (v == VERDICT_NO)
		return answer_text(r, "foreign");
	return v == VERDICT_OK ? answer_text(r, "relay") : v;
}

static enum verdict
rcpt_fallback(struct resolution *r)
{
	struct slice targets;
	enum verdict v = find_fallback(r, &targets);
	if (v == VERDICT_NO)
		return answer_text(r, "unknown");
	return v == VERDICT_OK ? answer_text(r, "alias") : v;
}

static enum verdict
rcpt_inside(struct resolution *r)
{
	struct slice value, user;
	enum verdict v = find_alias(r, &value, &user);
	if (v == VERDICT_OK)
		return answer_text(r, "alias");
	if (v == VERDICT_NO)
		v = find_mailbox(r, &user, &value);
	if (v == VERDICT_OK)
		return answer_text(r, "mailbox");
	return v == VERDICT_NO ? rcpt_fallback(r) : v;
}

static enum verdict
resolve_rcpt(struct resolution *r)
{
	struct slice value, domain = slice_from(str_slice(&r->catch_all), 1);
	/* RFC 5321 section 4.5.1: "postmaster" without a domain is always taken. */
	if (domain.len == 0 && is_postmaster(r))
		return rcpt_fallback(r);
	if (domain.len == 0)
		return answer_text(r, "unknown");
	enum verdict v = ask(r, MAP_DOMAIN, domain, &value);
	if (v == VERDICT_NO)
		return rcpt_outside(r, domain);
	return v == VERDICT_OK ? rcpt_inside(r) : v;
}

static enum verdict
resolve_alias(struct resolution *r)
{
	struct slice targets, user;
	enum verdict v = find_alias(r, &targets, &user);
	if (v == VERDICT_OK)
		return put_targets(r, targets, user);
	if (v != VERDICT_NO)
		return v;
	v = find_mailbox(r, &user, &targets);
	if (v != VERDICT_NO)
		return v == VERDICT_OK ? VERDICT_NO : v;
	v = find_fallback(r, &targets);
	return v == VERDICT_OK ? put_targets(r, targets, slice_of("")) : v;
}

static enum verdict
resolve_mailbox(struct resolution *r)
{
	struct slice user, maildir;
	enum verdict v = find_mailbox(r, &user, &maildir);
	if (v == VERDICT_OK)
		v = put_home(r, user, maildir);
	if (v != VERDICT_OK)
		return v;
	put_field(r, slice_equal(user, str_slice(&r->full)) ? slice_of("") : str_slice(&r->extension));
	return VERDICT_OK;
}

static enum verdict
resolve_home(struct resolution *r)
{
	struct slice maildir, user = str_slice(&r->full);
	enum verdict v = ask(r, MAP_MAILBOX, user, &maildir);
	return v == VERDICT_OK ? put_home(r, user, maildir) : v;
}

static enum verdict
resolve_password(struct resolution *r)
{
	struct slice hash, user = str_slice(&r->full);
	if (!slice_has(user, '@'))
		r->why = "the login has no domain";
	enum verdict v = ask(r, MAP_PASSWORD, user, &hash);
	if (v != VERDICT_OK)
		return v;
	put_field(r, user);
	put_field(r, hash);
	return VERDICT_OK;
}

static enum verdict
resolve_transport(struct resolution *r)
{
	struct slice value;
	enum verdict v = ask(r, MAP_TRANSPORT, str_slice(&r->full), &value);
	if (v == VERDICT_NO)
		v = ask(r, MAP_TRANSPORT, slice_from(str_slice(&r->catch_all), 1), &value);
	if (v == VERDICT_OK)
		put_field(r, value);
	return v;
}

/* Whether the address with its extension is in a table itself: then it may be another's than the one without. */
static enum verdict
stands_alone(struct resolution *r)
{
	struct slice value;
	enum verdict v = ask(r, MAP_ALIAS, str_slice(&r->full), &value);
	return v == VERDICT_NO ? ask(r, MAP_MAILBOX, str_slice(&r->full), &value) : v;
}

/* A login may use its own address, with any extension that nobody else has, and each address whose alias names it. */
static enum verdict
resolve_sender(struct resolution *r)
{
	struct slice login = str_slice(&r->login), targets, user;
	if (login.len == 0 || r->full.len == 0)
		return VERDICT_NO;
	if (slice_equal(login, str_slice(&r->full)))
		return VERDICT_OK;
	enum verdict v = slice_equal(login, str_slice(&r->base)) ? stands_alone(r) : VERDICT_OK;
	if (v != VERDICT_OK)
		return v == VERDICT_NO ? VERDICT_OK : v;
	v = find_alias(r, &targets, &user);
	if (v == VERDICT_NO) {
		v = find_mailbox(r, &user, &targets);
		if (v != VERDICT_NO)
			return v == VERDICT_OK ? VERDICT_NO : v;
		v = find_fallback(r, &targets);
	}
	if (v != VERDICT_OK)
		return v;
	return targets_name(r, targets, login) ? VERDICT_OK : VERDICT_NO;
}

enum verdict
resolve(struct resolution *r)
{
	static enum verdict (*const questions[])(struct resolution *) = {
	    [INQUIRY_RCPT] = resolve_rcpt, [INQUIRY_ALIAS] = resolve_alias, [INQUIRY_MAILBOX] = resolve_mailbox,
	    [INQUIRY_TRANSPORT] = resolve_transport, [INQUIRY_SENDER] = resolve_sender, [INQUIRY_HOME] = resolve_home,
	    [INQUIRY_PASSWORD] = resolve_password,
	};
	str_clear(&r->fields);
	r->why = "";
	enum verdict v = questions[r->kind](r);
	if (!r->fields.failed)
		return v;
	r->why = "the answer is longer than a packet may be";
	return VERDICT_LATER;
}
