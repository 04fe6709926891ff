#include "smtpd/tls.h"

#include <unistd.h>

#include "lib/base/log.h"

static int
handshake_patience(const struct session *s)
{
	return s->in.timeout < PATIENCE_TLS ? s->in.timeout : PATIENCE_TLS;
}

bool
tls_begin(struct session *s)
{
	int plain = tls_accept(s->services.tls, STDIN_FILENO, handshake_patience(s), &s->tls);
	close(s->services.tls);
	s->services.tls = -1;
	if (plain < 0 || dup2(plain, STDIN_FILENO) < 0 || dup2(plain, STDOUT_FILENO) < 0) {
		log_info("tls-failed", log_text("client", s->peer.text), log_text("reason", s->tls.reason));
		s->closing = true;
		s->end = "tls-failed";
		return false;
	}
	close(plain);
	s->encrypted = true;
	/* What was read before TLS must not act after it. */
	s->in.start = s->in.end = 0;
	s->out.len = 0;
	return true;
}
