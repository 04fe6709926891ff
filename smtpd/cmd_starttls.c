/* STARTTLS (RFC 3207). After it the session is as new: what was said before is forgotten. */
#include "lib/base/log.h"
#include "smtpd/command.h"
#include "smtpd/reply.h"
#include "smtpd/services.h"
#include "smtpd/tls.h"

/*
 * Bytes behind the command were sent by somebody who did not wait for the
 * answer: perhaps not by the one who will speak TLS. They are never read, and
 * the session ends.
 */
static bool
injected(struct session *s)
{
	struct slice left = input_buffered(&s->in);
	if (left.len == 0)
		return false;
	log_warning("starttls-injection", log_text("client", s->peer.text), log_slice("bytes", left));
	s->counts.refused++;
	reply(s, 554, "5.5.1", "Commands behind STARTTLS");
	s->closing = true;
	s->end = "starttls-injection";
	return true;
}

void
cmd_starttls(struct session *s, struct slice argument)
{
	(void)argument;
	if (!session_offers_tls(s)) {
		reply(s, 503, "5.5.1", s->encrypted ? "TLS is already there" : "TLS is not offered");
		return;
	}
	if (injected(s))
		return;
	if (!services_rate(s, LEASE_TLS)) {
		refuse(s, 454, "4.7.0", "Too many TLS sessions, come later", "STARTTLS", slice_of(""));
		return;
	}
	reply(s, 220, "2.0.0", "Ready to start TLS");
	if (!output_flush(&s->out)) {
		session_gone(s, INPUT_ERROR);
		return;
	}
	if (!tls_begin(s))
		return;
	session_reset(s);
	s->greeted = s->esmtp = false;
	s->helo[0] = s->login_name[0] = s->mechanism[0] = '\0';
	s->xclient = 0;
	s->names = (struct names){.helo_asked = false};
	if (s->services.login.socket >= 0 && !services_hello(s))
		reply_closing(s, "4.3.2", "Service not available", "login-away");
}
