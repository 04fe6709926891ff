/* The restrictions that ask DNS. HELO and sender are asked about once; what DNS said of them is kept in the session. */
#include "lib/mail/address.h"
#include "smtpd/reply.h"
#include "smtpd/rules.h"
#include "smtpd/services.h"

/* How a name is refused. RFC 3463 and RFC 7505 have the codes. */
struct manner {
	const char *later, *nowhere; /* enhanced codes, the second for 550 */
	const char *text;
	unsigned    null_code;       /* for a null MX; 0: it does not matter here */
	const char *null_status;
};

static const struct manner helo_manner = {"4.7.1", "5.7.1", "DNS does not know the name in HELO", 0, NULL};
static const struct manner sender_manner = {
    "4.1.8", "5.1.8", "DNS does not know the sender's domain", 550, "5.7.27"};
static const struct manner recipient_manner = {
    "4.1.2", "5.1.2", "DNS does not know the recipient's domain", 556, "5.1.10"};

bool
rules_open(struct session *s)
{
	const struct rules_config *rules = &s->config->rules;
	if (!rules->helo_resolvable && !rules->sender_resolvable && !rules->recipient_resolvable)
		return true;
	return dns_ready_open(&s->dns, rules->resolver);
}

static bool
passes(struct session *s, enum dns_mail mail, const struct manner *m, struct slice about)
{
	uint64_t code = s->config->rules.unresolvable_code;
	switch (mail) {
	case DNS_MAIL_SOMEWHERE:
		return true;
	case DNS_MAIL_NEVER:
		if (m->null_code == 0)
			return true;
		refuse(s, m->null_code, m->null_status, "This domain takes no mail (null MX)", "RCPT", about);
		return false;
	case DNS_MAIL_NOWHERE:
		refuse(s, (unsigned)code, code < 500 ? m->later : m->nowhere, m->text, "RCPT", about);
		return false;
	case DNS_MAIL_UNKNOWN:
		break;
	}
	refuse(s, 450, m->later, "DNS gives no answer now", "RCPT", about);
	return false;
}

/* Literals need no DNS. */
static enum dns_mail
ask(struct session *s, struct slice domain)
{
	if (domain.len == 0 || address_is_literal(domain))
		return DNS_MAIL_SOMEWHERE;
	return dns_ready_mail(&s->dns, domain.data, (int)s->config->rules.dns_timeout * 1000);
}

/* Our own domains, and those that we pass on for, need not be in DNS. */
static enum dns_mail
ask_if_foreign(struct session *s, struct slice address)
{
	uint64_t size_most;
	struct slice local, domain;
	address_split(address, &local, &domain);
	switch (services_recipient(s, address, &size_most)) {
	case RECIPIENT_FOREIGN:
		return ask(s, domain);
	case RECIPIENT_LATER:
		return DNS_MAIL_UNKNOWN;
	default:
		return DNS_MAIL_SOMEWHERE;
	}
}

static bool
helo_resolves(struct session *s)
{
	struct slice helo = slice_of(s->helo);
	if (!s->names.helo_asked)
		s->names.helo = ask(s, helo);
	s->names.helo_asked = true;
	return passes(s, s->names.helo, &helo_manner, helo);
}

static bool
sender_resolves(struct session *s)
{
	struct slice sender = str_slice(&s->envelope.sender);
	if (!s->names.sender_asked)
		s->names.sender = sender.len > 0 ? ask_if_foreign(s, sender) : DNS_MAIL_SOMEWHERE;
	s->names.sender_asked = true;
	return passes(s, s->names.sender, &sender_manner, sender);
}

static bool
recipient_resolves(struct session *s, struct slice recipient)
{
	return passes(s, ask_if_foreign(s, recipient), &recipient_manner, recipient);
}

bool
rules_resolvable(struct session *s, const struct address *recipient)
{
	const struct rules_config *rules = &s->config->rules;
	if (!rules_apply(s))
		return true;
	return (!rules->helo_resolvable || helo_resolves(s)) && (!rules->sender_resolvable || sender_resolves(s)) &&
	    (!rules->recipient_resolvable || recipient_resolves(s, address_text(recipient)));
}
