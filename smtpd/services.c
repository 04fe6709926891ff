#include "smtpd/services.h"

#include <string.h>

#include "lib/base/log.h"

bool
services_open(struct services *v, const struct config *config)
{
	bool users = config->mode != MODE_SMTP || config->auth_on_25;
	bool tls = config->mode == MODE_SMTPS || config->starttls;
	*v = SERVICES_NONE;
	return neighbour_open(&v->lookup, "authd/lookup") &&
	    (!users || (v->login.socket = neighbour_connect("authd/login")) >= 0) &&
	    (!tls || (v->tls = neighbour_connect("tlsd/server")) >= 0) && neighbour_open(&v->queue, "queue/intake");
}

bool
services_hello(struct session *s)
{
	const struct login_client client = {.service = session_is_submission(s) ? "submission" : "smtp",
	    .address = s->peer.text, .encrypted = s->encrypted, .certificate = s->tls.client_name, .binding = s->tls.binding};
	if (login_hello(&s->services.login, &client) == LOGIN_OK)
		return true;
	log_warning("login-away", log_text("service", "authd/login"), log_text("client", s->peer.text));
	return false;
}

/* The service could not say: its reason goes into the log. */
static void
log_later(struct session *s, const char *question, struct slice address)
{
	const char *why = packet_field(&s->packet);
	log_warning("lookup-later", log_text("question", question), log_slice("address", address),
	    log_text("reason", why != NULL ? why : ""));
}

static enum recipient_class
class_of(const char *word)
{
	static const char *const words[] = {"mailbox", "alias", "relay", "unknown", "foreign", "full"};
	for (size_t i = 0; word != NULL && i < sizeof words / sizeof *words; i++)
		if (strcmp(word, words[i]) == 0)
			return (enum recipient_class)i;
	return RECIPIENT_LATER;
}

enum recipient_class
services_recipient(struct session *s, struct slice address)
{
	neighbour_begin(&s->services.lookup, &s->packet, "rcpt");
	packet_add(&s->packet, address);
	const char *status = neighbour_ask(&s->services.lookup, &s->packet, PATIENCE_LOOKUP);
	if (status == NULL)
		return RECIPIENT_LATER;
	if (strcmp(status, "ok") == 0)
		return class_of(packet_field(&s->packet));
	log_later(s, "rcpt", address);
	return RECIPIENT_LATER;
}

enum sender_answer
services_sender(struct session *s, struct slice address)
{
	neighbour_begin(&s->services.lookup, &s->packet, "sender");
	packet_add_text(&s->packet, s->login_name);
	packet_add(&s->packet, address);
	const char *status = neighbour_ask(&s->services.lookup, &s->packet, PATIENCE_LOOKUP);
	if (status == NULL)
		return SENDER_LATER;
	if (strcmp(status, "ok") == 0)
		return SENDER_ALLOWED;
	if (strcmp(status, "no") == 0)
		return SENDER_FORBIDDEN;
	log_later(s, "sender", address);
	return SENDER_LATER;
}
