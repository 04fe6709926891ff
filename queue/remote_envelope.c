#include "lib/mail/address.h"
#include "queue/remote_session.h"

static void
add_parameter(struct session *s, const char *name, struct slice value)
{
	if (value.len == 0)
		return;
	output_format(&s->out, " %s=", name);
	output_slice(&s->out, value);
}

static const char *
body_parameter(const struct session *s)
{
	if (s->form == FORM_BINARY)
		return " BODY=BINARYMIME";
	/* A binary message that went through the converter may still have a header beyond ASCII. */
	return s->offers.eight_bit && (s->errand->eight_bit || s->errand->binary) ? " BODY=8BITMIME" : "";
}

static void
send_mail(struct session *s)
{
	const struct errand *e = s->errand;
	const struct offers *offers = &s->offers;
	output_text(&s->out, "MAIL FROM:<");
	output_slice(&s->out, e->sender);
	output_text(&s->out, ">");
	if (offers->size)
		output_format(&s->out, " SIZE=%llu", (unsigned long long)s->length);
	output_text(&s->out, body_parameter(s));
	if (offers->utf8 && session_needs_utf8(s))
		output_text(&s->out, " SMTPUTF8");
	if (e->require_tls && offers->require_tls)
		output_text(&s->out, " REQUIRETLS");
	if (offers->dsn) {
		add_parameter(s, "RET", e->ret);
		add_parameter(s, "ENVID", e->envid);
	}
	output_text(&s->out, "\r\n");
}

static void
send_rcpt(struct session *s, size_t i)
{
	const struct errand_recipient *r = &s->errand->recipients[i];
	output_text(&s->out, "RCPT TO:<");
	output_slice(&s->out, r->address);
	output_text(&s->out, ">");
	if (s->offers.dsn) {
		add_parameter(s, "NOTIFY", r->notify);
		/* In UTF-8 it is for those who were told SMTPUTF8 (RFC 6533 section 3). */
		if (address_is_ascii(r->orcpt) || session_needs_utf8(s))
			add_parameter(s, "ORCPT", r->orcpt);
	}
	output_text(&s->out, "\r\n");
}

/* --- recipients --------------------------------------------------------------------------------- */

/* Those that are due, as many as the server takes at once. */
static size_t
ask_for(struct session *s)
{
	struct errand *e = s->errand;
	size_t asked = 0, most = s->most > 0 ? s->most : e->count;
	for (size_t i = 0; i < e->count && asked < most; i++)
		if (e->recipients[i].state == ERRAND_DUE) {
			e->recipients[i].state = ERRAND_ASKED;
			asked++;
		}
	return asked;
}

/* "Too many recipients" is no answer about this one: it comes in the next transaction (RFC 5321 section 4.5.3.1.10). */
static bool
is_full(const struct session *s, size_t taken)
{
	const struct reply *r = &s->reply;
	struct slice code = reply_enhanced(r);
	return taken > 0 && (r->code == 452 || r->code == 552) && (code.len == 0 || slice_is(slice_from(code, 1), ".5.3"));
}

static bool
read_rcpt(struct session *s, size_t i, size_t *taken)
{
	struct errand *e = s->errand;
	if (!session_read(s, "RCPT", STEP_RCPT))
		return false;
	if (session_is_closing(s))
		return session_unwilling(s, "RCPT");
	if (is_full(s, *taken)) {
		e->recipients[i].state = ERRAND_DUE;
		s->most = *taken;
		return true;
	}
	struct outcome o = reply_outcome(&s->reply, s->server, "RCPT", s->reply.code / 100 == 5 ? "1.0" : "2.0");
	if (!outcome_is_done(&o)) {
		errand_end(e, i, &o);
		return true;
	}
	e->recipients[i].state = ERRAND_TAKEN;
	(*taken)++;
	return true;
}

static bool
read_recipients(struct session *s, bool flight)
{
	const struct errand *e = s->errand;
	size_t taken = 0;
	for (size_t i = 0; i < e->count; i++) {
		if (e->recipients[i].state != ERRAND_ASKED)
			continue;
		if (!flight)
			send_rcpt(s, i);
		if (!read_rcpt(s, i, &taken))
			return false;
	}
	return true;
}

/* The sender was refused; what was in flight behind it is answered too. */
static bool
refuse_all(struct session *s, size_t in_flight)
{
	struct outcome o = reply_outcome(&s->reply, s->server, "MAIL", "1.0");
	errand_end_rest(s->errand, &o);
	while (in_flight-- > 0)
		if (!session_read(s, "RCPT", STEP_RCPT))
			return false;
	return true;
}

/* --- the transaction ---------------------------------------------------------------------------- */

static bool
reset(struct session *s)
{
	s->dirty = false;
	output_text(&s->out, "RSET\r\n");
	return session_read(s, "RSET", STEP_HELLO) && (s->reply.code / 100 == 2 || session_unwilling(s, "RSET"));
}

/* MAIL, and all that may follow without an answer to it (RFC 2920). */
static bool
send_flight(struct session *s, bool flight)
{
	const struct errand *e = s->errand;
	send_mail(s);
	if (!flight)
		return true;
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].state == ERRAND_ASKED)
			send_rcpt(s, i);
	return session_send_early(s);
}

bool
session_transact(struct session *s)
{
	bool flight = s->offers.pipelining;
	if (s->dirty && !reset(s))
		return false;
	size_t asked = ask_for(s);
	if (!send_flight(s, flight) || !session_read(s, "MAIL", STEP_MAIL))
		return false;
	if (session_is_closing(s) || s->reply.code / 100 == 4)
		return session_unwilling(s, "MAIL");
	s->dirty = s->reply.code / 100 == 2;
	if (!(s->dirty ? read_recipients(s, flight) : refuse_all(s, flight ? asked : 0)))
		return false;
	return session_send_message(s, flight);
}
