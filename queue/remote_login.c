/* The login at a relay host: RFC 4954, with PLAIN (RFC 4616) or LOGIN. The password comes from authd, for the time of one AUTH. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"
#include "queue/remote_session.h"

#define PATIENCE      2000  /* ms: authd is being started anew */
#define ANSWER_TIME   30000 /* ms */
#define PASSWORD_MOST 1024
#define LINE_MOST     512   /* of a command, RFC 5321 section 4.5.3.1.4 */
#define TEXT_MOST     4096

enum found { LOGIN_NONE, LOGIN_FOUND, LOGIN_LATER };

struct login {
	char user[USER_MOST + 1];
	char password[PASSWORD_MOST + 1];
};

/* --- asking authd ----------------------------------------------------------------------------- */

static bool
copy_field(struct packet *p, char *into, size_t room)
{
	const char *text = packet_field(p);
	if (text == NULL || strlen(text) >= room)
		return false;
	memcpy(into, text, strlen(text) + 1);
	return true;
}

static enum found
read_answer(struct packet *p, const char *tag, struct login *l)
{
	const char *verb = packet_verb(p), *back = packet_field(p);
	if (back == NULL || strcmp(back, tag) != 0)
		return LOGIN_LATER;
	if (strcmp(verb, "no") == 0)
		return LOGIN_NONE;
	bool ok = strcmp(verb, "ok") == 0 && copy_field(p, l->user, sizeof l->user) && copy_field(p, l->password, sizeof l->password);
	return ok && l->user[0] != '\0' ? LOGIN_FOUND : LOGIN_LATER;
}

static enum found
ask(const struct errand *e, struct login *l)
{
	static struct packet p;
	memset(l, 0, sizeof *l);
	int authd = socket_connect("authd/lookup", PATIENCE);
	if (authd < 0) {
		log_error("authd-away", log_errno(), log_text("hint", "is postern-authd running?"));
		return LOGIN_LATER;
	}
	packet_begin(&p, "relay_login");
	packet_add_text(&p, e->id);
	packet_add(&p, errand_next_hop(e));
	packet_add(&p, e->sender);
	enum found found = packet_call(authd, &p, ANSWER_TIME) ? read_answer(&p, e->id, l) : LOGIN_LATER;
	packet_close_descriptors(&p);
	close(authd);
	explicit_bzero(&p, sizeof p);
	return found;
}

/* --- AUTH -------------------------------------------------------------------------------------- */

static bool
send_encoded(struct session *s, const char *before, struct slice bytes)
{
	struct str line = STR_MOST(TEXT_MOST);
	str_append_text(&line, before);
	base64_encode(&line, bytes);
	bool ok = !line.failed;
	if (ok)
		output_slice(&s->out, str_slice(&line));
	output_text(&s->out, "\r\n");
	if (line.data != NULL)
		explicit_bzero(line.data, line.len);
	str_free(&line);
	return ok;
}

/* The server waits for more (334). */
static bool
is_asked(struct session *s)
{
	return session_read(s, "AUTH", STEP_HELLO) && s->reply.code == 334;
}

/* False: the dialogue ended before its last answer; the reply says why. */
static bool
say_plain(struct session *s, const struct login *l)
{
	char text[1 + USER_MOST + 1 + PASSWORD_MOST + 1];
	int len = snprintf(text, sizeof text, "%c%s%c%s", '\0', l->user, '\0', l->password);
	struct slice response = slice_make(text, (size_t)len);
	bool ok = true;
	if (response.len / 3 * 4 + 20 > LINE_MOST) {
		output_text(&s->out, "AUTH PLAIN\r\n");
		ok = is_asked(s) && send_encoded(s, "", response);
	} else {
		ok = send_encoded(s, "AUTH PLAIN ", response);
	}
	explicit_bzero(text, sizeof text);
	return ok;
}

static bool
say_login(struct session *s, const struct login *l)
{
	output_text(&s->out, "AUTH LOGIN\r\n");
	return is_asked(s) && send_encoded(s, "", slice_of(l->user)) && is_asked(s) && send_encoded(s, "", slice_of(l->password));
}

/* It is the administrator's to mend; until he has, no mail is lost, and no other host of theirs is asked in vain. */
static bool
refused(struct session *s, const struct login *l)
{
	char hop[SERVER_MOST];
	struct slice next = errand_next_hop(s->errand);
	snprintf(hop, sizeof hop, "%.*s", (int)next.len, next.data);
	log_error("relay-login-refused", log_text("server", s->server), log_text("user", l->user), log_text("next_hop", hop),
	    log_number("reply", s->reply.code), log_text("text", s->reply.text),
	    log_text("hint", "correct user and password of this next hop in the file of the setting relay_passwords"));
	*s->trouble = outcome_make("4.7.8", "%s refuses our login: %d %s", s->server, s->reply.code, s->reply.text);
	errand_end_rest(s->errand, s->trouble);
	return false;
}

static bool
log_in(struct session *s, const struct login *l)
{
	bool said = s->offers.plain ? say_plain(s, l) : say_login(s, l);
	/* What is in the buffer is written and goes. */
	if (said && !session_read(s, "AUTH", STEP_HELLO))
		return false;
	explicit_bzero(s->out.buffer, sizeof s->out.buffer);
	if (s->dead)
		return s->reply.code == 421 ? session_unwilling(s, "AUTH") : false;
	if (!said || s->reply.code / 100 != 2)
		return s->reply.code / 100 == 4 ? session_unwilling(s, "AUTH") : refused(s, l);
	snprintf(s->user, sizeof s->user, "%s", l->user);
	log_info("relay-login", log_text("server", s->server), log_text("user", l->user));
	return true;
}

/* --- whether ------------------------------------------------------------------------------------ */

static bool
cannot(struct session *s, const char *code, const char *event, const char *why, const char *hint)
{
	log_warning(event, log_text("server", s->server), log_text("hint", hint));
	*s->trouble = outcome_make(code, "%s: %s", s->server, why);
	return false;
}

static bool
use(struct session *s, const struct login *l)
{
	if (s->plain < 0 && !s->local && !s->settings->login_in_clear)
		return cannot(s, "4.7.10", "relay-login-without-tls", "we have a login for it, which does not go without TLS",
		    "the next hop must offer STARTTLS, or set relay_login_without_tls");
	if (!s->offers.auth) {
		/* As Postfix does: it may know us by our address. */
		log_warning("relay-login-not-asked-for", log_text("server", s->server), log_text("hint", "it offers no AUTH; the message goes without"));
		return true;
	}
	if (!s->offers.plain && !s->offers.login)
		return cannot(s, "4.7.4", "relay-login-mechanism", "it offers neither AUTH PLAIN nor LOGIN",
		    "no other mechanism is spoken to a relay host");
	return log_in(s, l);
}

static bool
later(struct session *s)
{
	*s->trouble = outcome_make("4.3.0", "it could not be found out whether there is a login for %s", s->server);
	return false;
}

bool
session_login(struct session *s)
{
	struct login l;
	/* To a host that an administrator named, or that asks for one. */
	s->may_login = s->offers.auth || s->errand->transport.len > 0;
	if (!s->may_login || s->local)
		return true;
	enum found found = ask(s->errand, &l);
	bool ok = found == LOGIN_NONE || (found == LOGIN_FOUND ? use(s, &l) : later(s));
	explicit_bzero(&l, sizeof l);
	return ok;
}

bool
session_login_fits(struct session *s, const struct errand *e)
{
	struct login l;
	if (!s->may_login || s->local)
		return true;
	enum found found = ask(e, &l);
	bool ok = found == LOGIN_FOUND ? strcmp(l.user, s->user) == 0 : found == LOGIN_NONE && s->user[0] == '\0';
	explicit_bzero(&l, sizeof l);
	return ok;
}
