#include "authd/resolve_steps.h"

#include <string.h>

#include "authd/maildir.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/mail/address.h"

/* The next target of a list that commas part, outside quoted local parts, without white space around it. */
static bool
next_target(struct slice *rest, struct slice *target)
{
	while (rest->len > 0) {
		size_t len = 0;
		bool quoted = false;
		for (; len < rest->len && (quoted || rest->data[len] != ','); len++) {
			if (rest->data[len] == '"')
				quoted = !quoted;
			else if (rest->data[len] == '\\' && quoted)
				len++;
		}
		*target = slice_first(*rest, len);
		*rest = slice_from(*rest, len + 1);
		while (target->len > 0 && strchr(" \t\r\n", target->data[0]) != NULL)
			*target = slice_from(*target, 1);
		while (target->len > 0 && strchr(" \t\r\n", target->data[target->len - 1]) != NULL)
			target->len--;
		if (target->len > 0)
			return true;
	}
	return false;
}

static bool
names_only(struct slice targets, struct slice address)
{
	struct slice target;
	size_t others = 0, count = 0;
	while (next_target(&targets, &target)) {
		count++;
		others += !slice_equal_nocase(target, address);
	}
	return count > 0 && others == 0;
}

enum verdict
find_alias(struct resolution *r, struct slice *targets, struct slice *user)
{
	*user = str_slice(&r->full);
	enum verdict v = ask(r, MAP_ALIAS, *user, targets);
	if (v == VERDICT_NO && r->base.len > 0) {
		*user = str_slice(&r->base);
		v = ask(r, MAP_ALIAS, *user, targets);
	}
	/* One that names itself ends the search all the same: user+extension may have a mailbox of its own. */
	return v == VERDICT_OK && names_only(*targets, *user) ? VERDICT_NO : v;
}

enum verdict
find_mailbox(struct resolution *r, struct slice *user, struct slice *maildir)
{
	*user = str_slice(&r->full);
	enum verdict v = ask(r, MAP_MAILBOX, *user, maildir);
	if (v != VERDICT_NO || r->base.len == 0)
		return v;
	*user = str_slice(&r->base);
	return ask(r, MAP_MAILBOX, *user, maildir);
}

bool
is_postmaster(const struct resolution *r)
{
	struct slice full = str_slice(&r->full);
	return slice_is(slice_first(full, slice_find(full, '@')), "postmaster");
}

static bool
names_the_same(struct slice a, const char *b)
{
	return slice_equal_nocase(a, slice_of(b));
}

enum verdict
find_fallback(struct resolution *r, struct slice *targets)
{
	const char *postmaster = r->options->postmaster;
	if (!is_postmaster(r))
		return ask(r, MAP_ALIAS, str_slice(&r->catch_all), targets);
	if (postmaster[0] != '\0' && !names_the_same(str_slice(&r->full), postmaster)) {
		*targets = slice_of(postmaster);
		return VERDICT_OK;
	}
	enum verdict v = ask(r, MAP_ALIAS, str_slice(&r->catch_all), targets);
	if (v != VERDICT_NO)
		return v;
	/* RFC 5321 section 4.5.1: this address must work, so its mail waits until somebody says who reads it. */
	r->why = "nobody is postmaster: write an address into the setting postmaster";
	log_error("no-postmaster", log_slice("address", str_slice(&r->address)), log_text("hint", r->why));
	return VERDICT_LATER;
}

/* --- targets --------------------------------------------------------------------- */

static struct slice
local_part(const struct resolution *r)
{
	struct slice local, domain;
	address_split(str_slice(&r->address), &local, &domain);
	return local;
}

/* "user@domain" with an extension becomes "user+extension@domain", as Postfix passes it on. */
static void
append_extended(struct resolution *r, struct slice target)
{
	struct slice local, domain;
	address_split(target, &local, &domain);
	if (slice_has(local, r->options->recipient_delimiter[0]) || slice_starts(local, "\"")) {
		str_append_slice(&r->fields, target);
		return;
	}
	str_append_slice(&r->fields, local);
	str_append_byte(&r->fields, r->options->recipient_delimiter[0]);
	str_append_slice(&r->fields, str_slice(&r->extension));
	str_append_byte(&r->fields, '@');
	str_append_slice(&r->fields, domain);
}

static void
append_target(struct resolution *r, struct slice target, bool extend)
{
	struct slice local, domain;
	address_split(target, &local, &domain);
	if (domain.len == 0) {
		/* A name without a domain is one of this host's, as in Postfix's tables. */
		str_append_slice(&r->fields, target);
		str_append_byte(&r->fields, '@');
		str_append_text(&r->fields, r->options->hostname);
	} else if (local.len == 0) {
		str_append_slice(&r->fields, local_part(r));
		str_append_slice(&r->fields, target);
	} else if (extend) {
		append_extended(r, target);
	} else {
		str_append_slice(&r->fields, target);
	}
}

enum verdict
put_targets(struct resolution *r, struct slice targets, struct slice user)
{
	bool extend = r->extension.len > 0 && r->base.len > 0 && slice_equal(user, str_slice(&r->base));
	struct slice target;
	while (next_target(&targets, &target)) {
		/* A table's value is nobody's to trust. */
		if (!is_printable(target)) {
			log_warning("alias-target-wrong", log_slice("alias", str_slice(&r->full)), log_slice("target", target));
			continue;
		}
		append_target(r, target, extend);
		str_append_byte(&r->fields, '\0');
	}
	if (r->fields.len > 0)
		return VERDICT_OK;
	r->why = "the alias has no usable target";
	return VERDICT_LATER;
}

bool
targets_name(struct resolution *r, struct slice targets, struct slice login)
{
	struct slice target, local, domain, own = local_part(r);
	while (next_target(&targets, &target)) {
		address_split(target, &local, &domain);
		if (slice_equal_nocase(target, login))
			return true;
		/* "@domain" stands for our local part at that domain. */
		bool same_local = local.len == 0 && login.len == own.len + target.len;
		if (same_local && slice_equal_nocase(slice_first(login, own.len), own) &&
		    slice_equal_nocase(slice_from(login, own.len), target))
			return true;
	}
	return false;
}

/* --- home -------------------------------------------------------------------------- */

/* An absolute path beneath the mail root is taken as one relative to it. */
static struct slice
beneath_root(struct slice maildir, struct slice root)
{
	while (root.len > 1 && root.data[root.len - 1] == '/')
		root.len--;
	if (maildir.len <= root.len || !slice_equal(slice_first(maildir, root.len), root) || maildir.data[root.len] != '/')
		return maildir;
	return slice_from(maildir, root.len + 1);
}

static enum verdict
put_maildir(struct resolution *r, struct slice user, struct slice value)
{
	struct slice maildir = beneath_root(slice_trim(value), slice_of(r->options->mail_root));
	if (slice_starts(maildir, "./"))
		maildir = slice_from(maildir, 2);
	if (maildir_is_safe(maildir)) {
		str_append_slice(&r->fields, maildir);
		if (!slice_ends(maildir, "/"))
			str_append_byte(&r->fields, '/');
		str_append_byte(&r->fields, '\0');
		return VERDICT_OK;
	}
	r->why = "the Maildir of the table is not beneath the mail root";
	log_error("maildir-refused", log_slice("user", user), log_slice("maildir", value), log_text("reason", r->why),
	    log_text("hint", "the mailbox query must yield a path such as example.org/alice/, relative to the setting mail_root"));
	return VERDICT_LATER;
}

/* "1048576", "500M", "500M,1000", "1048576S,1000C" (Maildir++); zero, negative or nothing: no limit. */
static void
put_quota(struct resolution *r, struct slice user, struct slice value)
{
	uint64_t bytes = 0, messages = 0, *number = NULL;
	struct slice rest = slice_trim(value);
	bool wrong = false;
	for (struct slice part; !slice_starts(value, "-") && slice_split(&rest, ',', &part);) {
		part = slice_trim(part);
		number = slice_ends(part, "C") || number == &bytes ? &messages : &bytes;
		if (slice_ends(part, "C") || slice_ends(part, "S"))
			part.len--;
		wrong = wrong || !number_parse_size(part, INT64_MAX, number);
	}
	if (wrong)
		log_warning("quota-wrong", log_slice("user", user), log_slice("quota", value),
		    log_text("hint", "the quota query must yield a number of bytes; going on without a limit"));
	str_append_number(&r->fields, wrong ? 0 : bytes);
	str_append_byte(&r->fields, '\0');
	str_append_number(&r->fields, wrong ? 0 : messages);
	str_append_byte(&r->fields, '\0');
}

enum verdict
put_home(struct resolution *r, struct slice user, struct slice maildir)
{
	struct slice quota = slice_of("");
	enum verdict v = ask(r, MAP_QUOTA, user, &quota);
	if (v != VERDICT_OK && v != VERDICT_NO)
		return v;
	put_field(r, user);
	v = put_maildir(r, user, maildir);
	if (v == VERDICT_OK)
		put_quota(r, user, quota);
	return v;
}
