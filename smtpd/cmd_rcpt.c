/* RCPT TO (RFC 5321 section 4.1.1.3): what authd says of the recipient decides, and who the client is. */
#include <stdio.h>

#include "lib/base/cursor.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"
#include "smtpd/command.h"
#include "smtpd/filters.h"
#include "smtpd/foresee.h"
#include "smtpd/reply.h"
#include "smtpd/rules.h"
#include "smtpd/services.h"

static bool
take_address(struct session *s, struct slice argument, struct address *a, struct slice *rest)
{
	struct cursor c = cursor_over(argument);
	if (!cursor_take_nocase(&c, "TO:")) {
		reply(s, 501, "5.5.4", "Syntax: RCPT TO:<address>");
		return false;
	}
	enum address_result r = recipient_parse(s, c.rest, a, rest);
	if (r == ADDRESS_OK)
		return true;
	if (r == ADDRESS_NOT_ASCII)
		refuse(s, 553, "5.6.7", address_problem(r), "RCPT", c.rest);
	else
		refuse(s, 501, "5.1.3", address_problem(r), "RCPT", c.rest);
	return false;
}

static bool
take_parameters(struct session *s, struct slice rest, const struct address *a, struct rcpt_parameters *said)
{
	const struct parameter_facts facts = {.esmtp = s->esmtp, .smtputf8 = s->envelope.said.smtputf8};
	struct parameter_problem p = rcpt_parameters_read(said, rest, &facts);
	if (p.text != NULL)
		refuse(s, p.code, p.status, p.text, "RCPT", address_text(a));
	return p.text == NULL;
}

static bool
may_relay(const struct session *s)
{
	return session_logged_in(s) || (s->relay_client && !session_is_submission(s));
}

/* A domain that we pass on for: its server could take these for a route and relay for a stranger through us. */
static bool
has_route(const struct address *a)
{
	struct slice local = address_local(a);
	return slice_has(local, '%') || slice_has(local, '!') || slice_has(local, '@');
}

static void
warn_postmaster(struct session *s, enum recipient_class class, const struct address *a)
{
	char own[ADDRESS_PATH_MOST];
	snprintf(own, sizeof own, "postmaster@%s", s->config->hostname);
	if ((class == RECIPIENT_FOREIGN || class == RECIPIENT_UNKNOWN) && slice_is_nocase(address_text(a), own))
		log_warning("no-postmaster", log_text("address", own),
		    log_text("hint", "make an alias or a mailbox for it (RFC 5321 section 4.5.1)"));
}

/* RFC 1870 section 6.1: the smallest limit counts, for what was declared and for what comes. */
static bool
fits(struct session *s, struct slice address, uint64_t size_most)
{
	struct envelope *e = &s->envelope;
	if (size_most > 0 && e->said.size > size_most) {
		refuse(s, 552, "5.3.4", "The message is larger than this recipient's limit", "RCPT", address);
		return false;
	}
	if (size_most > 0 && (e->size_most == 0 || size_most < e->size_most))
		e->size_most = size_most;
	return true;
}

/* True: accepted. Else it has been answered. */
static bool
decide(struct session *s, const struct address *a)
{
	struct slice text = address_text(a);
	uint64_t size_most;
	enum recipient_class class = services_recipient(s, text, &size_most);
	warn_postmaster(s, class, a);
	switch (class) {
	case RECIPIENT_MAILBOX:
	case RECIPIENT_ALIAS:
		return fits(s, text, size_most);
	case RECIPIENT_RELAY:
		if (may_relay(s) || !has_route(a))
			return fits(s, text, size_most);
		refuse(s, 550, "5.7.1", "Source routing refused", "RCPT", text);
		return false;
	case RECIPIENT_FOREIGN:
		if (may_relay(s))
			return fits(s, text, size_most);
		refuse(s, 550, "5.7.1", "Relaying denied", "RCPT", text);
		return false;
	case RECIPIENT_UNKNOWN:
		s->counts.unknown++;
		refuse(s, 550, "5.1.1", "User unknown", "RCPT", text);
		return false;
	case RECIPIENT_FULL:
		rules_refuse_full(s, text);
		return false;
	case RECIPIENT_RETURN:
		/* Bounces have no sender (RFC 5321 section 4.5.5); nobody else is carried through to a stranger. */
		if (s->envelope.sender.len == 0)
			return fits(s, text, size_most);
		refuse(s, 550, "5.7.1", "This address takes bounces only", "RCPT", text);
		return false;
	case RECIPIENT_LATER:
		break;
	}
	refuse(s, 451, "4.3.0", "Temporary lookup failure", "RCPT", text);
	return false;
}

void
cmd_rcpt(struct session *s, struct slice argument)
{
	struct address a;
	struct slice rest;
	struct rcpt_parameters said;
	if (!s->envelope.begun) {
		reply(s, 503, "5.5.1", "MAIL first");
		return;
	}
	if (!take_address(s, argument, &a, &rest) || !take_parameters(s, rest, &a, &said))
		return;
	if (s->envelope.recipient_count >= s->config->recipients_limit) {
		refuse(s, 452, "4.5.3", "Too many recipients", "RCPT", address_text(&a));
		return;
	}
	if (!services_rate(s, LEASE_RECIPIENTS)) {
		refuse(s, 450, "4.7.1", "Too many recipients, come later", "RCPT", address_text(&a));
		return;
	}
	if (!rules_qualified(s, &a) || !decide(s, &a) || !rules_resolvable(s, &a))
		return;
	if (!filters_rcpt(s, address_text(&a), rest))
		return;
	if (session_add_recipient(s, address_text(&a), &said))
		reply(s, 250, "2.1.5", "Ok");
	else
		refuse(s, 452, "4.5.3", "Too many recipients", "RCPT", address_text(&a));
}
