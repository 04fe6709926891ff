#include "smtpd/tls.h"

#include "lib/base/log.h"
#include "lib/front/encrypt.h"

bool
tls_begin(struct session *s)
{
	int patience = s->in.timeout < PATIENCE_TLS ? s->in.timeout : PATIENCE_TLS;
	s->encrypted = encrypt_client(&s->services.tls, patience, s->id, s->peer.text, &s->in, &s->out, &s->tls);
	if (s->encrypted) {
		log_info("tls", log_text("client", s->peer.text), log_text("version", s->tls.version),
		    log_text("cipher", s->tls.cipher), session_fact("name", s->tls.server_name),
		    session_fact("certificate", s->tls.client_name));
		return true;
	}
	s->closing = true;
	s->end = "tls-failed";
	return false;
}
