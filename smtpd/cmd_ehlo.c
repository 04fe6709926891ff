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
	s->greeted = filters_helo(s);
	return s->greeted;
}

static void
list_auth(struct session *s)
{
	char line[LOGIN_MECHANISMS_MOST + 8];
	snprintf(line, sizeof line, "AUTH %s", s->services.login.mechanisms);
	reply_part(s, 250, line);
}

void
cmd_ehlo(struct session *s, struct slice argument)
{
	char size[40];
	if (!take_name(s, argument))
		return;
	s->esmtp = true;
	snprintf(size, sizeof size, "SIZE %llu", (unsigned long long)s->config->message_size);
	reply_part(s, 250, s->config->hostname);
	reply_part(s, 250, "PIPELINING");
	reply_part(s, 250, size);
	if (session_offers_tls(s))
		reply_part(s, 250, "STARTTLS");
	if (session_offers_auth(s) && !session_logged_in(s))
		list_auth(s);
	reply_part(s, 250, "ENHANCEDSTATUSCODES");
	reply(s, 250, NULL, "8BITMIME");
}

void
cmd_helo(struct session *s, struct slice argument)
{
	if (!take_name(s, argument))
		return;
	s->esmtp = false;
	reply(s, 250, NULL, s->config->hostname);
}
