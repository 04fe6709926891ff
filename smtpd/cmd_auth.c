/* AUTH (RFC 4954). The mechanisms are authd's: their blobs are carried between it and the client. */
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "smtpd/command.h"
#include "smtpd/reply.h"
#include "smtpd/services.h"

#define ROUNDS_MOST 10 /* challenges of one exchange; no mechanism has more than three */

/* True when AUTH may be said now; else it has been answered. */
static bool
check(struct session *s, struct slice mechanism)
{
	if (session_logged_in(s))
		reply(s, 503, "5.5.1", "Already logged in");
	else if (!session_offers_auth(s) && session_offers_tls(s) && s->services.login.socket >= 0)
		reply(s, 530, "5.7.0", "Must issue a STARTTLS command first");
	else if (!session_offers_auth(s))
		reply(s, 503, "5.5.1", "AUTH is not offered");
	else if (mechanism.len == 0)
		reply(s, 501, "5.5.4", "Syntax: AUTH mechanism [initial-response]");
	else if (!login_offers(&s->services.login, mechanism))
		reply(s, 504, "5.5.4", "Mechanism not offered");
	else if (!services_rate(s, LEASE_AUTH))
		refuse(s, 450, "4.7.1", "Too many tries to log in, come later", "AUTH", mechanism);
	else
		return true;
	return false;
}

static void
log_login(struct session *s, const char *event, struct slice mechanism, const struct login_answer *a)
{
	log_info(event, log_text(a->result == LOGIN_OK ? "user" : "reason", str_text(&a->text)),
	    log_slice("mechanism", mechanism), log_text("client", s->peer.text), session_fact("tls", s->tls.version),
	    session_fact("certificate", s->tls.client_name));
}

static void
logged_in(struct session *s, struct slice mechanism, const struct login_answer *a)
{
	if (a->text.len == 0 || a->text.len >= sizeof s->login_name) {
		reply(s, 454, "4.7.0", "Temporary authentication failure");
		return;
	}
	snprintf(s->login_name, sizeof s->login_name, "%s", str_text(&a->text));
	snprintf(s->mechanism, sizeof s->mechanism, "%.*s", (int)mechanism.len, mechanism.data);
	s->counts.idle = 0;
	log_login(s, "login", mechanism, a);
	reply(s, 235, "2.7.0", "Authentication successful");
}

static void
not_logged_in(struct session *s, struct slice mechanism, const struct login_answer *a)
{
	s->counts.refused++;
	log_login(s, a->result == LOGIN_NO ? "login-refused" : "login-later", mechanism, a);
	if (a->result == LOGIN_NO)
		reply(s, 535, "5.7.8", "Authentication credentials invalid");
	else
		reply(s, 454, "4.7.0", "Temporary authentication failure");
}

/* Carries one challenge to the client and its response to authd. False: answered, or the client is gone. */
static bool
carry(struct session *s, struct login_answer *a)
{
	struct slice line;
	output_text(&s->out, "334 ");
	output_slice(&s->out, str_slice(&a->text));
	output_text(&s->out, "\r\n");
	enum line_result r = session_read(s, &line);
	if (r == LINE_OK && !slice_is(line, "*")) {
		login_continue(&s->services.login, line, a);
		return true;
	}
	/* A line that is too long or broken ends the exchange too (RFC 4954 section 4). */
	login_cancel(&s->services.login);
	if (r == LINE_OK)
		reply(s, 501, "5.7.0", "Authentication cancelled");
	return false;
}

static void
converse(struct session *s, struct slice mechanism, struct login_answer *a)
{
	for (int round = 0; a->result == LOGIN_MORE; round++) {
		if (round == ROUNDS_MOST) {
			login_cancel(&s->services.login);
			reply(s, 501, "5.7.0", "Too many rounds");
			return;
		}
		if (!carry(s, a))
			return;
	}
	if (a->result == LOGIN_OK)
		logged_in(s, mechanism, a);
	else
		not_logged_in(s, mechanism, a);
}

void
cmd_auth(struct session *s, struct slice argument)
{
	struct slice mechanism, initial;
	char name[64];
	command_split(argument, &mechanism, &initial);
	if (!check(s, mechanism))
		return;
	if (slice_has(initial, ' ')) {
		reply(s, 501, "5.5.4", "Syntax: AUTH mechanism [initial-response]");
		return;
	}
	/* The line that it stands in is overwritten by the next one. */
	snprintf(name, sizeof name, "%.*s", (int)(mechanism.len < 60 ? mechanism.len : 60), mechanism.data);
	if (initial.len == 0)
		initial = (struct slice){NULL, 0};
	struct login_answer a = {.text = STR_MOST(LOGIN_BLOB_MOST)};
	login_begin(&s->services.login, mechanism, initial, &a);
	converse(s, slice_of(name), &a);
	login_answer_free(&a);
}
