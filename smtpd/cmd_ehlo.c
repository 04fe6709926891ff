/* EHLO and HELO (RFC 5321 section 4.1.1.1). */
#include <stdio.h>
#include <string.h>

#include "smtpd/command.h"
#include "smtpd/filters.h"
#include "smtpd/reply.h"

/* Any name in printable ASCII: what it claims is recorded and believed by nobody. */
static bool
is_name(struct slice argument)
{
	for (size_t i = 0; i < argument.len; i++)
		if (argument.data[i] <= ' ' || argument.data[i] > '~')
			return false;
	return argument.len > 0 && argument.len <= HELO_MOST;
}

static bool
take_name(struct session *s, struct slice argument)
{
	if (!is_name(argument)) {
		reply(s, 501, "5.5.4", "Say the name of your host");
		return false;
	}
	memcpy(s->helo, argument.data, argument.len);
	s->helo[argument.len] = '\0';
	session_reset(s);
	s->names.helo_asked = false;
	s->greeted = filters_helo(s);
	return s->greeted;
}

/* Old Outlooks look for "AUTH=", which a draft had. */
static void
list_auth(struct session *s)
{
	char line[LOGIN_MECHANISMS_MOST + 8];
	snprintf(line, sizeof line, "AUTH %s", s->services.login.mechanisms);
	reply_part(s, 250, line);
	if (s->config->broken_auth_clients) {
		snprintf(line, sizeof line, "AUTH=%s", s->services.login.mechanisms);
		reply_part(s, 250, line);
	}
}

static bool
offers_vrfy(const struct session *s)
{
	return s->config->vrfy;
}

static bool
offers_etrn(const struct session *s)
{
	return s->config->etrn != ETRN_NO;
}

static bool
offers_binarymime(const struct session *s)
{
	return s->config->binarymime;
}

static bool
offers_xclient(const struct session *s)
{
	return s->may_xclient;
}

static bool
offers_requiretls(const struct session *s)
{
	return s->encrypted;
}

/* What needs no more than its name, in the order that people know from Postfix. NULL: always. */
struct extension {
	const char *keyword;
	bool (*offered)(const struct session *s);
};

static const struct extension before_tls[] = {
    {"VRFY", offers_vrfy},
    {"ETRN", offers_etrn},
    {"STARTTLS", session_offers_tls},
};
static const struct extension after_auth[] = {
    {"XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT", offers_xclient},
    {"ENHANCEDSTATUSCODES", NULL},
    {"8BITMIME", NULL},
    {"DSN", NULL},
    {"SMTPUTF8", NULL},
    {"CHUNKING", NULL},
    {"BINARYMIME", offers_binarymime},
    {"REQUIRETLS", offers_requiretls},
};

static void
list(struct session *s, const struct extension *table, size_t rows)
{
	for (size_t i = 0; i < rows; i++)
		if (table[i].offered == NULL || table[i].offered(s))
			reply_part(s, 250, table[i].keyword);
}

/* RFC 9422. */
static void
list_limits(struct session *s)
{
	char line[96];
	unsigned long long recipients = s->config->recipients_limit, messages = s->config->rules.messages_limit;
	if (messages > 0)
		snprintf(line, sizeof line, "LIMITS RCPTMAX=%llu MAILMAX=%llu", recipients, messages);
	else
		snprintf(line, sizeof line, "LIMITS RCPTMAX=%llu", recipients);
	reply(s, 250, NULL, line);
}

void
cmd_ehlo(struct session *s, struct slice argument)
{
	char line[64];
	if (!take_name(s, argument))
		return;
	s->esmtp = true;
	reply_part(s, 250, s->config->hostname);
	reply_part(s, 250, "PIPELINING");
	snprintf(line, sizeof line, "SIZE %llu", (unsigned long long)s->config->message_size);
	reply_part(s, 250, line);
	list(s, before_tls, sizeof before_tls / sizeof *before_tls);
	if (session_offers_auth(s) && !session_logged_in(s))
		list_auth(s);
	list(s, after_auth, sizeof after_auth / sizeof *after_auth);
	list_limits(s);
}

void
cmd_helo(struct session *s, struct slice argument)
{
	if (!take_name(s, argument))
		return;
	s->esmtp = false;
	reply(s, 250, NULL, s->config->hostname);
}
