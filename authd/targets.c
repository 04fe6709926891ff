#include "authd/targets.h"

#include <string.h>

#include "authd/maildir.h"
#include "lib/base/ascii.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
next_target(struct slice *rest, struct slice *target)
{
	while (rest->len > 0) {
		size_t len = 0;
		bool quoted = false;
		for (; len < rest->len && (quoted || (rest->data[len] != ',' && rest->data[len] != '\n')); len++) {
			if (rest->data[len] == '"')
				quoted = !quoted;
			else if (rest->data[len] == '\\' && quoted)
				len++;
		}
		*target = slice_first(*rest, len);
		*rest = slice_from(*rest, len + 1);
		while (target->len > 0 && is_space(target->data[0]))
			*target = slice_from(*target, 1);
		while (target->len > 0 && is_space(target->data[target->len - 1]))
			target->len--;
		if (target->len > 0)
			return true;
	}
	return false;
}

bool
targets_name_only(struct slice targets, struct slice address)
{
	struct slice target;
	size_t others = 0, count = 0;
	while (next_target(&targets, &target)) {
		count++;
		others += !slice_equal_nocase(target, address);
	}
	return count > 0 && others == 0;
}

bool
targets_are_one_domain(struct slice targets, struct slice *domain)
{
	struct slice more;
	return next_target(&targets, domain) && slice_starts(*domain, "@") && !next_target(&targets, &more);
}

/* "user@domain" with an extension becomes "user+extension@domain", as Postfix passes it on. */
static void
append_extended(struct str *into, const struct resolution *r, const struct parts *p, struct slice target)
{
	struct slice local, domain;
	address_split(target, &local, &domain);
	char delimiter = r->options->recipient_delimiter[0];
	if (slice_has(local, delimiter) || slice_starts(local, "\"")) {
		str_append_slice(into, target);
		return;
	}
	str_append_slice(into, local);
	str_append_byte(into, delimiter);
	str_append_slice(into, str_slice(&p->extension));
	str_append_byte(into, '@');
	str_append_slice(into, domain);
}

void
target_append(struct str *into, const struct resolution *r, const struct parts *p, struct slice target, bool extend)
{
	struct slice local, domain;
	address_split(target, &local, &domain);
	if (domain.len == 0) {
		/* A name without a domain is one of this host's, as in Postfix's tables. */
		str_append_slice(into, target);
		str_append_byte(into, '@');
		str_append_text(into, r->options->hostname);
	} else if (local.len == 0) {
		str_append_slice(into, parts_local(p));
		str_append_slice(into, target);
	} else if (extend) {
		append_extended(into, r, p, target);
	} else {
		str_append_slice(into, target);
	}
}

enum verdict
targets_put(struct resolution *r, const struct parts *p, struct slice targets, struct slice user)
{
	bool extend = p->base.len > 0 && slice_equal(user, str_slice(&p->base));
	struct slice target;
	while (next_target(&targets, &target)) {
		/* A table's value is nobody's to trust. */
		if (ascii_has_control(target)) {
			log_warning("alias-target-wrong", log_slice("alias", str_slice(&p->full)), log_slice("target", target));
			continue;
		}
		target_append(&r->fields, r, p, target, extend);
		str_append_byte(&r->fields, '\0');
	}
	if (r->fields.len > 0)
		return VERDICT_OK;
	r->why = "the alias has no usable target";
	return VERDICT_LATER;
}

bool
targets_name(const struct resolution *r, const struct parts *p, struct slice targets, struct slice login)
{
	struct slice target;
	bool found = false;
	struct str address = STR_MOST(MAP_VALUE_MOST);
	while (!found && next_target(&targets, &target)) {
		struct slice local, domain;
		address_split(target, &local, &domain);
		if (local.len == 0 || domain.len == 0) {
			str_clear(&address);
			target_append(&address, r, p, target, false);
			target = str_slice(&address);
		}
		found = slice_equal_nocase(target, login);
	}
	str_free(&address);
	return found;
}
