#include "smtpd/services.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/number.h"
#include "smtpd/foresee.h"

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

static const char *
service_name(const struct session *s)
{
	return session_is_submission(s) ? "submission" : "smtp";
}

bool
services_client(struct session *s)
{
	return lease_take(&s->lease, &s->services.lookup, &s->packet, service_name(s), &s->peer);
}

bool
services_rate(struct session *s, enum lease_kind kind)
{
	return lease_allows(&s->lease, &s->services.lookup, &s->packet, kind, s->login_name, &s->peer);
}

bool
services_hello(struct session *s)
{
	const struct login_client client = {.service = service_name(s),
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
	static const char *const words[] = {"mailbox", "alias", "relay", "unknown", "foreign", "full", "return"};
	for (size_t i = 0; word != NULL && i < sizeof words / sizeof *words; i++)
		if (strcmp(word, words[i]) == 0)
			return (enum recipient_class)i;
	return RECIPIENT_LATER;
}

/* Behind the class: nothing, an empty field, or the bytes that this recipient takes. */
static bool
read_size(struct packet *p, uint64_t *size_most)
{
	const char *size = packet_field(p);
	*size_most = 0;
	return size == NULL || size[0] == '\0' || number_parse(slice_of(size), UINT64_MAX, size_most);
}

/* One recipient's two fields. "later" has in the second why. */
static enum recipient_class
read_one(struct session *s, struct slice address, uint64_t *size_most)
{
	const char *word = packet_field(&s->packet);
	enum recipient_class class = class_of(word);
	if (word != NULL && strcmp(word, "later") == 0)
		log_later(s, "rcpt", address);
	else if (!read_size(&s->packet, size_most))
		return RECIPIENT_LATER;
	return class;
}

/* All that were asked of together: this one's is returned, the others are kept for their turn. */
static enum recipient_class
read_many(struct session *s, struct slice address, uint64_t *size_most)
{
	enum recipient_class class = read_one(s, address, size_most), other;
	for (struct slice left = str_slice(&s->foreseen.addresses), one; slice_split(&left, '\0', &one);) {
		uint64_t size = 0;
		other = read_one(s, one, &size);
		foresee_learn(s, other, size);
	}
	return class;
}

enum recipient_class
services_recipient(struct session *s, struct slice address, uint64_t *size_most)
{
	enum recipient_class class;
	*size_most = 0;
	if (foresee_take(s, address, &class, size_most))
		return class;
	neighbour_begin(&s->services.lookup, &s->packet, "rcpts");
	foresee_ask(s, address, &s->packet);
	const char *status = neighbour_ask(&s->services.lookup, &s->packet, session_lookup_patience(s));
	if (status != NULL && strcmp(status, "ok") == 0)
		return read_many(s, address, size_most);
	foresee_forget(s);
	if (status != NULL)
		log_later(s, "rcpt", address);
	return RECIPIENT_LATER;
}

enum sender_answer
services_sender(struct session *s, struct slice address)
{
	neighbour_begin(&s->services.lookup, &s->packet, "sender");
	packet_add_text(&s->packet, s->login_name);
	packet_add(&s->packet, address);
	const char *status = neighbour_ask(&s->services.lookup, &s->packet, session_lookup_patience(s));
	if (status == NULL)
		return SENDER_LATER;
	if (strcmp(status, "ok") == 0)
		return SENDER_ALLOWED;
	if (strcmp(status, "no") == 0)
		return SENDER_FORBIDDEN;
	log_later(s, "sender", address);
	return SENDER_LATER;
}

bool
services_etrn(struct session *s, struct slice domain, uint64_t *count)
{
	neighbour_begin(&s->services.queue, &s->packet, "etrn");
	packet_add(&s->packet, domain);
	const char *status = neighbour_ask(&s->services.queue, &s->packet, session_queue_patience(s));
	return status != NULL && strcmp(status, "ok") == 0 && packet_field_number(&s->packet, UINT64_MAX, count);
}

/* "pass", or "hold WHY first|again". */
static bool
read_verdict(struct session *s)
{
	struct envelope *e = &s->envelope;
	const char *verdict = packet_field(&s->packet), *why = packet_field(&s->packet), *turn = packet_field(&s->packet);
	if (verdict == NULL || strcmp(verdict, "pass") == 0)
		return verdict != NULL;
	if (strcmp(verdict, "hold") != 0 || turn == NULL)
		return false;
	snprintf(e->hold, sizeof e->hold, "%s", why[0] != '\0' ? why : "over a limit");
	e->hold_notice = strcmp(turn, "first") == 0;
	return true;
}

bool
services_outgoing(struct session *s)
{
	neighbour_begin(&s->services.lookup, &s->packet, "outgoing");
	packet_add_text(&s->packet, s->login_name);
	packet_add_number(&s->packet, s->envelope.recipient_count);
	const char *status = neighbour_ask(&s->services.lookup, &s->packet, session_lookup_patience(s));
	if (status != NULL && strcmp(status, "ok") == 0)
		return read_verdict(s);
	if (status != NULL)
		log_later(s, "outgoing", slice_of(s->login_name));
	return false;
}
