#include "smtpd/services.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/ipc/socket.h"

static bool
open_one(int *fd, const char *service)
{
	*fd = socket_connect(service, PATIENCE_CONNECT);
	if (*fd >= 0)
		return true;
	log_error("service-away", log_text("service", service), log_text("directory", socket_run_directory), log_errno(),
	    log_text("hint", "is its program running, and may this user reach its socket?"));
	return false;
}

const char *
services_open(struct services *v, const struct config *config)
{
	v->lookup = v->tls = v->queue = v->login.socket = -1;
	bool users = config->mode != MODE_SMTP || config->auth_on_25;
	bool tls = config->mode == MODE_SMTPS || config->starttls;
	if (!open_one(&v->lookup, "authd/lookup"))
		return "authd/lookup";
	if (users && !open_one(&v->login.socket, "authd/login"))
		return "authd/login";
	if (tls && !open_one(&v->tls, "tlsd/server"))
		return "tlsd/server";
	return open_one(&v->queue, "queue/intake") ? NULL : "queue/intake";
}

bool
services_hello(struct session *s)
{
	const char *service = session_is_submission(s) ? "submission" : "smtp";
	if (login_hello(&s->services.login, service, s->peer.text, s->encrypted) == LOGIN_OK)
		return true;
	log_warning("login-away", log_text("service", "authd/login"), log_text("client", s->peer.text));
	return false;
}

void
services_begin(struct session *s, const char *verb)
{
	packet_begin(&s->packet, verb);
	packet_add_number(&s->packet, ++s->services.tag);
}

void
services_lost(struct session *s, int *socket, const char *service, const char *reason)
{
	log_error("service-lost", log_text("service", service), log_text("reason", reason));
	close(*socket);
	*socket = -1;
	s->services.lost = true;
}

const char *
services_ask(struct session *s, int *socket, const char *service, int patience)
{
	uint64_t tag;
	if (*socket < 0)
		return NULL;
	if (!packet_call(*socket, &s->packet, patience)) {
		services_lost(s, socket, service, "no answer");
		return NULL;
	}
	packet_close_descriptors(&s->packet);
	const char *status = packet_verb(&s->packet);
	if (packet_field_number(&s->packet, UINT64_MAX, &tag) && tag == s->services.tag)
		return status;
	services_lost(s, socket, service, "the answer does not fit the question");
	return NULL;
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
	services_begin(s, "rcpt");
	packet_add(&s->packet, address);
	const char *status = services_ask(s, &s->services.lookup, "authd/lookup", PATIENCE_LOOKUP);
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
	services_begin(s, "sender");
	packet_add_text(&s->packet, s->login_name);
	packet_add(&s->packet, address);
	const char *status = services_ask(s, &s->services.lookup, "authd/lookup", PATIENCE_LOOKUP);
	if (status == NULL)
		return SENDER_LATER;
	if (strcmp(status, "ok") == 0)
		return SENDER_ALLOWED;
	if (strcmp(status, "no") == 0)
		return SENDER_FORBIDDEN;
	log_later(s, "sender", address);
	return SENDER_LATER;
}
