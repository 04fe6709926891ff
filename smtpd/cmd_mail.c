/* MAIL FROM (RFC 5321 section 4.1.1.2) with SIZE (RFC 1870), BODY (RFC 6152) and AUTH (RFC 4954). */
#include "lib/base/clock.h"
#include "lib/base/cursor.h"
#include "lib/base/number.h"
#include "lib/mail/address.h"
#include "smtpd/command.h"
#include "smtpd/parameters.h"
#include "smtpd/reply.h"
#include "smtpd/services.h"

enum parameter_bit { SEEN_SIZE = 1, SEEN_BODY = 2, SEEN_AUTH = 4 };

/* What parameters were read; `problem` set: the answer. */
struct mail_parameters {
	unsigned    seen;
	uint64_t    size;
	bool        eight_bit;
	unsigned    code;
	const char *status, *problem;
};

static void
wrong(struct mail_parameters *p, unsigned code, const char *status, const char *problem)
{
	p->code = code;
	p->status = status;
	p->problem = problem;
}

static void
once(struct mail_parameters *p, unsigned parameter)
{
	if (p->seen & parameter)
		wrong(p, 501, "5.5.4", "A parameter is given twice");
	p->seen |= parameter;
}

static void
take_size(struct mail_parameters *p, struct slice value, uint64_t most)
{
	once(p, SEEN_SIZE);
	/* RFC 1870: up to 20 digits. A number that is too large for us is a message that is too large. */
	for (size_t i = 0; i < value.len; i++)
		if (!ascii_is_digit((unsigned char)value.data[i]))
			wrong(p, 501, "5.5.4", "SIZE is not a number");
	if (value.len == 0 || value.len > 20)
		wrong(p, 501, "5.5.4", "SIZE is not a number");
	if (p->problem == NULL && !number_parse(value, most, &p->size))
		wrong(p, 552, "5.3.4", "The message is larger than the limit");
}

static void
take_body(struct mail_parameters *p, struct slice value)
{
	once(p, SEEN_BODY);
	p->eight_bit = slice_is_nocase(value, "8BITMIME");
	if (!p->eight_bit && !slice_is_nocase(value, "7BIT"))
		wrong(p, 501, "5.5.4", "BODY is neither 7BIT nor 8BITMIME");
}

static void
take_parameter(struct mail_parameters *p, struct slice keyword, struct slice value, uint64_t most)
{
	if (slice_is_nocase(keyword, "SIZE"))
		take_size(p, value, most);
	else if (slice_is_nocase(keyword, "BODY"))
		take_body(p, value);
	else if (slice_is_nocase(keyword, "AUTH"))
		once(p, SEEN_AUTH); /* who a client says wrote it is no proof: as if it were <> (RFC 4954 section 5) */
	else
		wrong(p, 555, "5.5.4", "Unknown parameter");
}

static void
take_parameters(struct mail_parameters *p, struct slice rest, uint64_t most)
{
	struct slice keyword, value;
	while (p->problem == NULL) {
		enum parameter_result r = parameter_next(&rest, &keyword, &value);
		if (r == PARAMETER_NONE)
			return;
		if (r == PARAMETER_WRONG)
			wrong(p, 501, "5.5.4", "Wrong syntax of a parameter");
		else
			take_parameter(p, keyword, value, most);
	}
}

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
	enum address_result r = address_parse_path(c.rest, ADDRESS_NULL | ADDRESS_LOOSE, a, rest);
	if (r == ADDRESS_OK || r == ADDRESS_LOCAL_LONG)
		return true;
	if (r == ADDRESS_NOT_ASCII)
		refuse(s, 553, "5.6.7", address_problem(r), "MAIL", c.rest);
	else
		refuse(s, 501, "5.1.7", address_problem(r), "MAIL", c.rest);
	return false;
}

void
cmd_mail(struct session *s, struct slice argument)
{
	struct address a;
	struct slice rest;
	struct mail_parameters p = {.seen = 0};
	if (s->services.lookup.lost || s->services.queue.lost) {
		reply_closing(s, "4.3.2", "Service not available", "service-lost");
		return;
	}
	if (!take_address(s, argument, &a, &rest))
		return;
	take_parameters(&p, rest, s->config->message_size);
	if (p.problem != NULL) {
		refuse(s, p.code, p.status, p.problem, "MAIL", address_text(&a));
		return;
	}
	if (!sender_allowed(s, &a))
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
	e->eight_bit = p.eight_bit;
	e->size = p.size;
	e->begun_ms = clock_ms();
	reply(s, 250, "2.1.0", "Ok");
}
