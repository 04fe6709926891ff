/* MAIL FROM (RFC 5321 section 4.1.1.2); its parameters are in parameters_mail.c. */
#include "lib/base/clock.h"
#include "lib/base/cursor.h"
#include "lib/mail/address.h"
#include "smtpd/command.h"
#include "smtpd/filters.h"
#include "smtpd/limits.h"
#include "smtpd/reply.h"
#include "smtpd/services.h"

/* Only the owner of an address sends as that address. The null sender is nobody's (RFC 8098 asks for it). */
static bool
sender_allowed(struct session *s, const struct address *a)
{
	if (!session_logged_in(s) || address_is_null(a))
		return true;
	switch (services_sender(s, address_text(a))) {
	case SENDER_ALLOWED:
		return true;
	case SENDER_FORBIDDEN:
		refuse(s, 553, "5.7.1", "This sender is not yours", "MAIL", address_text(a));
		return false;
	case SENDER_LATER:
		break;
	}
	refuse(s, 451, "4.3.0", "Temporary lookup failure", "MAIL", address_text(a));
	return false;
}

static bool
take_address(struct session *s, struct slice argument, struct address *a, struct slice *rest)
{
	struct cursor c = cursor_over(argument);
	if (!cursor_take_nocase(&c, "FROM:")) {
		reply(s, 501, "5.5.4", "Syntax: MAIL FROM:<address>");
		return false;
	}
	enum address_result r = address_parse_path(c.rest, ADDRESS_NULL | ADDRESS_LOOSE | ADDRESS_UTF8, a, rest);
	if (r == ADDRESS_OK || r == ADDRESS_LOCAL_LONG)
		return true;
	refuse(s, 501, "5.1.7", address_problem(r), "MAIL", c.rest);
	return false;
}

/* True: they are right, and the address may be as it is with them. */
static bool
take_parameters(struct session *s, struct slice rest, const struct address *a, struct mail_parameters *said)
{
	const struct parameter_facts facts = {
	    .message_size = s->config->message_size, .binarymime = s->config->binarymime, .encrypted = s->encrypted, .esmtp = s->esmtp};
	struct parameter_problem p = mail_parameters_read(said, rest, &facts);
	if (p.text != NULL)
		refuse(s, p.code, p.status, p.text, "MAIL", address_text(a));
	else if (!said->smtputf8 && !address_is_ascii(address_text(a)))
		refuse(s, 553, "5.6.7", "The address is not ASCII: SMTPUTF8 was not said", "MAIL", address_text(a));
	else
		return true;
	return false;
}

void
cmd_mail(struct session *s, struct slice argument)
{
	struct address a;
	struct slice rest;
	struct mail_parameters said;
	if (s->services.lookup.lost || s->services.queue.lost) {
		reply_closing(s, "4.3.2", "Service not available", "service-lost");
		return;
	}
	if (!limits_message(s) || !take_address(s, argument, &a, &rest) || !take_parameters(s, rest, &a, &said) || !sender_allowed(s, &a))
		return;
	if (!services_rate(s, LEASE_MESSAGES)) {
		refuse(s, 450, "4.7.1", "Too many messages, come later", "MAIL", address_text(&a));
		return;
	}
	struct envelope *e = &s->envelope;
	session_reset(s);
	if (!str_append_slice(&e->sender, address_text(&a))) {
		reply(s, 451, "4.3.0", "No memory");
		return;
	}
	e->begun = true;
	e->said = said;
	e->begun_ms = clock_ms();
	if (filters_mail(s, rest))
		reply(s, 250, "2.1.0", "Ok");
	else
		session_reset(s);
}
