#include "queue/remote_session.h"

static void
set_all(struct errand *e, const struct outcome *o)
{
	for (size_t i = 0; i < e->count; i++)
		e->outcomes[i] = *o;
}

bool
errand_is_ascii(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] >= 0x80)
			return false;
	return true;
}

/* RFC 6531 section 3.4: the parameter is for who needs it, and a server without the extension can have the others. */
static bool
needs_utf8(const struct errand *e)
{
	bool ascii = errand_is_ascii(e->sender) && !(e->utf8 && e->utf8_header);
	for (size_t i = 0; i < e->count; i++)
		ascii = ascii && errand_is_ascii(e->recipients[i].address);
	return !ascii;
}

bool
session_is_hopeless(struct session *s)
{
	struct outcome o;
	const struct offers *offers = &s->offers;
	if (offers->size_most > 0 && s->errand->length > offers->size_most)
		o = outcome_make("5.3.4", "%s takes at most %llu bytes", s->server, (unsigned long long)offers->size_most);
	else if (needs_utf8(s->errand) && !offers->utf8)
		o = outcome_make("5.6.7", "%s does not take addresses and headers in UTF-8", s->server);
	else if (s->errand->binary && !(offers->binary && offers->chunking))
		o = outcome_make("5.6.1", "%s does not take binary messages", s->server);
	else
		return false;
	set_all(s->errand, &o);
	return true;
}

static void
add_parameter(struct session *s, const char *name, struct slice value)
{
	if (value.len == 0)
		return;
	output_format(&s->out, " %s=", name);
	output_slice(&s->out, value);
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
		output_format(&s->out, " SIZE=%llu", (unsigned long long)e->length);
	if (e->binary)
		output_text(&s->out, " BODY=BINARYMIME");
	else if (offers->eight_bit && e->eight_bit)
		output_text(&s->out, " BODY=8BITMIME");
	if (offers->utf8 && needs_utf8(e))
		output_text(&s->out, " SMTPUTF8");
	if (e->require_tls)
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
		if (errand_is_ascii(r->orcpt) || needs_utf8(s->errand))
			add_parameter(s, "ORCPT", r->orcpt);
	}
	output_text(&s->out, "\r\n");
}

static bool
read_rcpt(struct session *s, size_t i, size_t *taken)
{
	if (!session_read(s, "RCPT"))
		return false;
	if (session_is_closing(s))
		return session_unwilling(s, "RCPT");
	s->errand->outcomes[i] = reply_outcome(&s->reply, s->server, "RCPT", s->reply.code / 100 == 5 ? "1.0" : "2.0");
	if (s->errand->outcomes[i].class == OUTCOME_DONE)
		(*taken)++;
	return true;
}

bool
session_send_envelope(struct session *s, size_t *taken)
{
	struct errand *e = s->errand;
	bool pipelining = s->offers.pipelining;
	*taken = 0;
	send_mail(s);
	for (size_t i = 0; i < e->count && pipelining; i++)
		send_rcpt(s, i);
	output_flush(&s->out);
	if (!session_read(s, "MAIL"))
		return false;
	struct reply mail = s->reply;
	if (session_is_closing(s) || mail.code / 100 == 4)
		return session_unwilling(s, "MAIL");
	for (size_t i = 0; i < e->count && (pipelining || mail.code / 100 == 2); i++) {
		if (!pipelining) {
			send_rcpt(s, i);
			output_flush(&s->out);
		}
		if (!read_rcpt(s, i, taken))
			return false;
	}
	if (mail.code / 100 == 2)
		return true;
	struct outcome o = reply_outcome(&mail, s->server, "MAIL", "1.0");
	set_all(e, &o);
	*taken = 0;
	return true;
}
