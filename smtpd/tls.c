#include "smtpd/tls.h"

#include "lib/front/encrypt.h"

bool
tls_begin(struct session *s)
{
	int patience = s->in.timeout < PATIENCE_TLS ? s->in.timeout : PATIENCE_TLS;
	s->encrypted = encrypt_client(&s->services.tls, patience, s->peer.text, &s->in, &s->out, &s->tls);
	if (s->encrypted)
		return true;
	s->closing = true;
	s->end = "tls-failed";
	return false;
}
