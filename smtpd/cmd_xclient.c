/*
 * XCLIENT (Postfix's XCLIENT_README): a program before us says for whom it
 * speaks, and the session begins anew as that client's. Whoever may say it can
 * be anybody, logged in or not: xclient_networks, and nobody else.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/cursor.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "smtpd/arrive.h"
#include "smtpd/command.h"
#include "smtpd/filters.h"
#include "smtpd/reply.h"
#include "smtpd/services.h"

/* What the command asks for, beginning with what is. Nothing is changed before all of it is understood. */
struct change {
	struct peer peer;
	bool        esmtp;
	char        helo[HELO_MOST + 1];
	char        login[LOGIN_NAME_MOST];
};

/* Copies a text that has to be printable ASCII; an empty one is "not known". */
static bool
copy_text(char *into, size_t room, struct slice value)
{
	if (value.len >= room)
		return false;
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] <= ' ' || value.data[i] > '~')
			return false;
	snprintf(into, room, "%.*s", (int)value.len, value.data);
	return true;
}

static bool
parse_address(struct slice value, struct ip *ip)
{
	*ip = (struct ip){.len = 0};
	return value.len == 0 || ip_parse(ip, slice_starts_nocase(value, "IPV6:") ? slice_from(value, 5) : value);
}

static bool
parse_port(struct slice value, uint16_t *port)
{
	uint64_t number = 0;
	bool ok = value.len == 0 || number_parse(value, UINT16_MAX, &number);
	*port = (uint16_t)number;
	return ok;
}

static bool
take_name(struct change *c, struct slice value)
{
	return peer_set_name(&c->peer, value);
}

static bool
take_addr(struct change *c, struct slice value)
{
	struct ip ip;
	bool ok = parse_address(value, &ip);
	peer_set(&c->peer, ip);
	return ok;
}

static bool
take_port(struct change *c, struct slice value)
{
	return parse_port(value, &c->peer.port);
}

static bool
take_proto(struct change *c, struct slice value)
{
	c->esmtp = slice_is_nocase(value, "ESMTP");
	return c->esmtp || slice_is_nocase(value, "SMTP");
}

static bool
take_helo(struct change *c, struct slice value)
{
	return copy_text(c->helo, sizeof c->helo, value);
}

static bool
take_login(struct change *c, struct slice value)
{
	return copy_text(c->login, sizeof c->login, value);
}

static bool
take_destaddr(struct change *c, struct slice value)
{
	struct ip ip;
	bool ok = parse_address(value, &ip);
	peer_set_local(&c->peer, ip, c->peer.local_port);
	return ok;
}

static bool
take_destport(struct change *c, struct slice value)
{
	return parse_port(value, &c->peer.local_port);
}

enum attribute { NAME, ADDR, PORT, PROTO, HELO, LOGIN, DESTADDR, DESTPORT, ATTRIBUTES };

static const struct {
	const char *name;
	bool (*take)(struct change *c, struct slice value);
} attributes[ATTRIBUTES] = {
	[NAME] = {"NAME", take_name}, [ADDR] = {"ADDR", take_addr}, [PORT] = {"PORT", take_port},
	[PROTO] = {"PROTO", take_proto}, [HELO] = {"HELO", take_helo}, [LOGIN] = {"LOGIN", take_login},
	[DESTADDR] = {"DESTADDR", take_destaddr}, [DESTPORT] = {"DESTPORT", take_destport},
};

static bool
has(unsigned given, enum attribute which)
{
	return (given >> which & 1) != 0;
}

/* --- reading ----------------------------------------------------------------------------- */

/* xtext (RFC 3461 section 4): "+2B" is a byte. False: it is not that. */
static bool
decode(struct slice text, struct str *into)
{
	for (struct cursor c = cursor_over(text); !cursor_at_end(&c);) {
		int byte = cursor_next(&c);
		if (byte == '+') {
			int high = ascii_hex_upper(cursor_next(&c)), low = ascii_hex_upper(cursor_next(&c));
			if (high < 0 || low < 0)
				return false;
			byte = high << 4 | low;
		}
		str_append_byte(into, (char)byte);
	}
	return !into->failed;
}

/* Nobody knows now, or nobody ever will: to us both are "not known". */
static bool
is_unknown(struct slice value)
{
	return slice_is_nocase(value, "[UNAVAILABLE]") || slice_is_nocase(value, "[TEMPUNAVAIL]");
}

static bool
take_value(struct change *c, enum attribute which, struct slice text)
{
	struct str value = STR_MOST(LOGIN_NAME_MOST);
	bool ok = text.len > 0 && decode(text, &value);
	struct slice decoded = is_unknown(str_slice(&value)) ? slice_of("") : str_slice(&value);
	ok = ok && attributes[which].take(c, decoded);
	str_free(&value);
	return ok;
}

/* "NAME=value" */
static bool
take_pair(struct change *c, struct slice pair, unsigned *given)
{
	size_t equals = slice_find(pair, '=');
	for (size_t i = 0; equals < pair.len && i < ATTRIBUTES; i++) {
		if (!slice_is_nocase(slice_first(pair, equals), attributes[i].name))
			continue;
		*given |= 1u << i;
		return take_value(c, (enum attribute)i, slice_from(pair, equals + 1));
	}
	return false;
}

static bool
take_all(struct change *c, struct slice argument, unsigned *given)
{
	*given = 0;
	for (struct slice pair; slice_split(&argument, ' ', &pair);)
		if (pair.len > 0 && !take_pair(c, pair, given))
			return false;
	return *given != 0;
}

/* --- doing ------------------------------------------------------------------------------- */

/* What is, but for what another client said: of that only what an XCLIENT before this one gave. */
static void
begin_with(struct change *c, const struct session *s)
{
	*c = (struct change){.peer = s->peer, .esmtp = has(s->xclient, PROTO) && s->esmtp};
	if (has(s->xclient, HELO))
		memcpy(c->helo, s->helo, sizeof c->helo);
	if (has(s->xclient, LOGIN))
		memcpy(c->login, s->login_name, sizeof c->login);
}

/* Another address has another name and port. */
static void
forget_old_client(struct change *c, unsigned given)
{
	if (!has(given, ADDR))
		return;
	if (!has(given, NAME))
		c->peer.name[0] = '\0';
	if (!has(given, PORT))
		c->peer.port = 0;
}

static void
become(struct session *s, const struct change *c, unsigned given)
{
	log_info("xclient", log_text("from", s->peer.text), log_text("client", c->peer.text), session_fact("name", c->peer.name),
	    session_fact("helo", c->helo), session_fact("user", c->login));
	session_reset(s);
	s->peer = c->peer;
	s->xclient |= given;
	if (c->login[0] == '\0')
		s->xclient &= ~(1u << LOGIN); /* he may log in by himself now, and that is not XCLIENT's */
	s->esmtp = c->esmtp;
	memcpy(s->helo, c->helo, sizeof s->helo);
	memcpy(s->login_name, c->login, sizeof s->login_name);
	s->greeted = s->helo[0] != '\0';
	s->names = (struct names){.helo_asked = false};
	s->mechanism[0] = '\0';
	s->tls.client_name[0] = '\0'; /* it names the program before us */
	s->relay_client = has(given, ADDR) ? arrive_permitted(s) : s->relay_client;
}

void
cmd_xclient(struct session *s, struct slice argument)
{
	struct change c;
	unsigned given;
	if (!s->may_xclient) {
		refuse(s, 550, "5.7.0", "XCLIENT is not for you", "XCLIENT", argument);
		return;
	}
	begin_with(&c, s);
	if (!take_all(&c, argument, &given)) {
		reply(s, 501, "5.5.4", "Syntax: XCLIENT attribute=value ...");
		return;
	}
	forget_old_client(&c, given);
	become(s, &c, given);
	if (!services_client(s))
		reply_closing(s, "4.7.0", "Too many connections from your address", "turned-away");
	else if (s->services.login.socket >= 0 && !services_hello(s))
		reply_closing(s, "4.3.2", "Service not available", "login-away");
	else {
		filters_next_client(s);
		session_greet(s);
	}
}
