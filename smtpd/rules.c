#include "smtpd/rules.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "smtpd/reply.h"

#define TEXT_MOST 400 /* of an answer: RFC 5321 section 4.5.3.1.5 has 512 octets for the line */

static bool
wrong(const char *setting, const char *hint)
{
	log_error("setting-wrong", log_text("setting", setting), log_text("hint", hint));
	return false;
}

static bool
is_text(const char *text)
{
	size_t len = 0;
	for (; text[len] != '\0'; len++)
		if (text[len] < ' ' || text[len] > '~')
			return false;
	return len > 0 && len <= TEXT_MOST;
}

bool
rules_check(const struct rules_config *rules)
{
	if (rules->unresolvable_code != 450 && rules->unresolvable_code != 550)
		return wrong("unresolvable_code", "write 450 or 550");
	if (rules->over_quota_code != 452 && rules->over_quota_code != 552)
		return wrong("over_quota_code", "write 452 or 552");
	if (!is_text(rules->over_quota_text))
		return wrong("over_quota_text", "write one line of ASCII, at most 400 octets");
	if (!is_text(rules->banner))
		return wrong("banner", "write one line of ASCII, at most 400 octets, without the host's name");
	if (strcmp(rules->early_talker, "ignore") != 0 && strcmp(rules->early_talker, "refuse") != 0)
		return wrong("early_talker", "write ignore or refuse");
	return true;
}

bool
rules_relay_client(void)
{
	const char *content = getenv("RELAYCLIENT");
	if (content != NULL && content[0] != '\0')
		log_warning("relayclient-content", log_text("content", content),
		    log_text("hint", "the client may relay; nothing is put behind its recipients: set RELAYCLIENT to nothing"));
	return content != NULL;
}

bool
rules_apply(const struct session *s)
{
	return s->config->rules.restrict_users || !(s->relay_client || session_logged_in(s));
}

static bool
is_number(struct slice label)
{
	for (size_t i = 0; i < label.len; i++)
		if (!ascii_is_digit((unsigned char)label.data[i]))
			return false;
	return true;
}

/* A name with a dot in it, which is not an address without brackets; or a literal. One dot at the end is a matter of taste. */
static bool
is_qualified(struct slice name)
{
	if (address_is_literal(name))
		return true;
	if (slice_ends(name, "."))
		name.len--;
	size_t dot = slice_find_last(name, '.');
	return address_is_domain(name, ADDRESS_UTF8) && dot < name.len && !is_number(slice_from(name, dot + 1));
}

static bool
refuse_unqualified(struct session *s, const char *text, struct slice about)
{
	refuse(s, 504, "5.5.2", text, "RCPT", about);
	return false;
}

bool
rules_qualified(struct session *s, const struct address *recipient)
{
	const struct rules_config *rules = &s->config->rules;
	struct slice helo = slice_of(s->helo), sender = str_slice(&s->envelope.sender), local, domain;
	if (!rules_apply(s))
		return true;
	if (rules->helo_qualified && helo.len > 0 && !is_qualified(helo))
		return refuse_unqualified(s, "HELO must say a fully qualified name", helo);
	address_split(sender, &local, &domain);
	if (rules->sender_qualified && sender.len > 0 && !is_qualified(domain))
		return refuse_unqualified(s, "The sender must be fully qualified", sender);
	/* "postmaster" alone has become that of this host, whatever it is called. */
	domain = address_domain(recipient);
	if (rules->recipient_qualified && !is_qualified(domain) && !slice_is_nocase(domain, s->config->hostname))
		return refuse_unqualified(s, "The recipient must be fully qualified", address_text(recipient));
	return true;
}

void
rules_refuse_full(struct session *s, struct slice address)
{
	const struct rules_config *rules = &s->config->rules;
	bool permanent = rules->over_quota_code >= 500;
	refuse(s, (unsigned)rules->over_quota_code, permanent ? "5.2.2" : "4.2.2", rules->over_quota_text, "RCPT", address);
}
