#include "tlsd/context.h"

#include <string.h>

#include "lib/base/log.h"
#include "tlsd/authorities.h"
#include "tlsd/binding.h"
#include "tlsd/present.h"
#include "tlsd/reason.h"
#include "tlsd/tickets.h"

static SSL_CTX *
refuse(SSL_CTX *context, const char *step)
{
	log_error("context-failed", log_text("step", step), log_text("reason", reason_in_words()));
	SSL_CTX_free(context);
	return NULL;
}

/*
 * A ticket does not say who the client is: who showed a certificate shakes
 * hands in full each time. So a name is always one that was verified today, by
 * the authorities and revocations that count now, and not at the ticket's making.
 */
static SSL_TICKET_RETURN
judge_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_len, SSL_TICKET_STATUS status,
    void *context)
{
	(void)ssl, (void)name, (void)name_len, (void)context;
	bool readable = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
	if (!readable || SSL_SESSION_get0_peer(session) != NULL)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

static bool
set_rules(SSL_CTX *context, const struct profile *profile)
{
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_QUERY_MTU);
	SSL_CTX_set_mode(context,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Sessions live in tickets: children share nothing but the keys of those. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(context, 1);
	/* A ticket of another profile is none: its session may have a cipher that is refused now. */
	return SSL_CTX_set_session_ticket_cb(context, binding_keep, judge_ticket, NULL) &&
	    SSL_CTX_set_session_id_context(context, (const unsigned char *)profile->name, (unsigned)strlen(profile->name));
}

SSL_CTX *
context_make(const struct shelf *shelf, const struct profile *profile, struct slice authorities)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	if (context == NULL || !profile_use(profile, context) || !set_rules(context, profile))
		return refuse(context, "rules");
	if (!tickets_use(context))
		return refuse(context, "tickets");
	if (!present_use(context, shelf))
		return refuse(context, "certificate");
	if (!authorities_use(context, authorities))
		return refuse(context, "client_ca");
	return context;
}
