#include "authd/lookup.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"

/* One for each connection of a front. Together with SESSIONS_MOST these stay beneath the descriptors of the contract. */
#define LOOKUPS_MOST   1952
#define REDEEMERS_MOST 256

static struct packet answer;

void
lookup_answer(struct connection *c, const char *tag, const struct resolution *r, enum verdict v)
{
	packet_begin(&answer, v == VERDICT_OK ? "ok" : v == VERDICT_NO ? "no" : "later");
	packet_add_text(&answer, tag);
	if (v == VERDICT_OK || (v == VERDICT_NO && r != NULL))
		packet_add_rest(&answer, str_slice(&r->fields));
	else if (v == VERDICT_LATER)
		packet_add_text(&answer, r->why);
	connection_send(c, &answer);
	if (r != NULL && r->kind == INQUIRY_RELAY_LOGIN)
		explicit_bzero(answer.data, answer.len);
}

void
lookup_answer_later(struct connection *c, const char *tag, const char *why)
{
	packet_begin(&answer, "later");
	packet_add_text(&answer, tag);
	packet_add_text(&answer, why);
	connection_send(c, &answer);
}

static void
resolved(void *owner, struct resolution *r, enum verdict v)
{
	lookup_answer(owner, inquiry_tag(r), r, v);
}

/* A tag is the asker's, but it comes back in a packet: it must be short. */
static bool
tag_is_ok(const char *tag)
{
	return tag != NULL && strlen(tag) <= LOOKUP_TAG_MOST;
}

/* --- questions to the resolver --------------------------------------------------------- */

/* True: it is, or will be, answered. */
static bool
start(struct connection *c, const char *tag, enum inquiry_kind kind, const char *address, const char *login)
{
	struct inquiries *inquiries = ((struct lookup_service *)c->service)->inquiries;
	struct question q = {.kind = kind, .address = address, .login = login, .service = "", .client = "", .tag = tag};
	if (!inquiry_start(inquiries, &q, resolved, c))
		lookup_answer_later(c, tag, "no memory, or an address longer than 1024 bytes");
	return true;
}

static bool
question(struct connection *c, const char *tag, struct packet *p, enum inquiry_kind kind, bool two)
{
	const char *login = two ? packet_field(p) : "";
	const char *address = packet_field(p);
	return login != NULL && address != NULL && packet_rest(p).len == 0 && start(c, tag, kind, address, login);
}

static bool
question_rcpt(struct connection *c, const char *tag, struct packet *p)
{
	return question(c, tag, p, INQUIRY_RCPT, false);
}

static bool
question_alias(struct connection *c, const char *tag, struct packet *p)
{
	return question(c, tag, p, INQUIRY_ALIAS, false);
}

static bool
question_mailbox(struct connection *c, const char *tag, struct packet *p)
{
	return question(c, tag, p, INQUIRY_MAILBOX, false);
}

/* Where the sender is named, behind the address, his relay host counts too. */
static bool
question_transport(struct connection *c, const char *tag, struct packet *p)
{
	const char *address = packet_field(p), *sender = packet_field(p);
	return address != NULL && packet_rest(p).len == 0 &&
	    start(c, tag, sender != NULL ? INQUIRY_WAY : INQUIRY_TRANSPORT, address, sender != NULL ? sender : "");
}

static bool
question_sender_bcc(struct connection *c, const char *tag, struct packet *p)
{
	return question(c, tag, p, INQUIRY_SENDER_BCC, false);
}

static bool
question_recipient_bcc(struct connection *c, const char *tag, struct packet *p)
{
	return question(c, tag, p, INQUIRY_RECIPIENT_BCC, false);
}

static bool
question_forward(struct connection *c, const char *tag, struct packet *p)
{
	return question(c, tag, p, INQUIRY_FORWARD, false);
}

/* The next hop comes before the sender. */
static bool
question_relay_login(struct connection *c, const char *tag, struct packet *p)
{
	return question(c, tag, p, INQUIRY_RELAY_LOGIN, true);
}

/* The login comes before the address. */
static bool
question_sender(struct connection *c, const char *tag, struct packet *p)
{
	return question(c, tag, p, INQUIRY_SENDER, true);
}

static const struct {
	const char *verb;
	bool (*take)(struct connection *c, const char *tag, struct packet *p);
} requests[] = {
    {"rcpt", question_rcpt},
    {"rcpts", lookup_many},
    {"alias", question_alias},
    {"mailbox", question_mailbox},
    {"transport", question_transport},
    {"sender", question_sender},
    {"sender_bcc", question_sender_bcc},
    {"recipient_bcc", question_recipient_bcc},
    {"forward", question_forward},
    {"relay_login", question_relay_login},
    {"outgoing", lookup_outgoing},
    {"usage", lookup_usage},
    {"client", lookup_client},
    {"rate", lookup_rate},
    {"explain", lookup_explain},
    {"flush", lookup_flush},
    {"counters", lookup_counters},
};

static bool
holds(const struct peers *peers, const struct connection *c)
{
	for (size_t i = 0; i < peers->count; i++)
		if (peers->uids[i] == c->uid)
			return true;
	return false;
}

bool
lookup_is_front(const struct connection *c)
{
	return holds(&((const struct lookup_service *)c->service)->fronts, c) || c->uid == 0 || c->uid == geteuid();
}

/* imapd and pop3d have no business with addresses; and passwords for relay hosts are postern-remote's, who asks for nothing else. */
static bool
may_ask(const struct connection *c, const char *verb)
{
	const struct lookup_service *s = (const struct lookup_service *)c->service;
	bool counting = strcmp(verb, "client") == 0 || strcmp(verb, "rate") == 0;
	if (c->uid == geteuid())
		return true;
	if (holds(&s->relaying, c) || strcmp(verb, "relay_login") == 0)
		return (holds(&s->relaying, c) || c->uid == 0) && strcmp(verb, "relay_login") == 0;
	return counting || !holds(&s->counted, c);
}

static bool
lookup_request(struct connection *c, struct packet *p)
{
	const char *verb = packet_verb(p), *tag = packet_field(p);
	for (size_t i = 0; tag_is_ok(tag) && i < sizeof requests / sizeof *requests; i++)
		if (strcmp(verb, requests[i].verb) == 0 && may_ask(c, verb))
			return requests[i].take(c, tag, p);
	return false;
}

static void
lookup_closed(struct connection *c)
{
	struct inquiries *inquiries = ((struct lookup_service *)c->service)->inquiries;
	inquiries_forget(inquiries, c);
	lookup_many_forget(inquiries, c);
	lookup_client_gone(c);
}

bool
lookup_start(struct lookup_service *s)
{
	s->service.name = "authd/lookup";
	s->service.most = LOOKUPS_MOST;
	s->service.request = lookup_request;
	s->service.closed = lookup_closed;
	s->service.connection_size = sizeof(struct lookup_connection);
	peers_add(&s->service.peers, "postern-smtpd");
	peers_add(&s->service.peers, "postern-imapd");
	peers_add(&s->service.peers, "postern-pop3d");
	peers_add(&s->service.peers, "postern-queue");
	peers_add(&s->service.peers, "vmail");
	peers_add(&s->service.peers, "postern-lmtpd");
	peers_add(&s->service.peers, "postern-authproxy");
	peers_add(&s->service.peers, "postern-remote");
	peers_add(&s->relaying, "postern-remote");
	peers_add(&s->senders, "postern-smtpd");
	peers_add(&s->fronts, "postern-smtpd");
	peers_add(&s->fronts, "postern-imapd");
	peers_add(&s->fronts, "postern-pop3d");
	peers_add(&s->counted, "postern-imapd");
	peers_add(&s->counted, "postern-pop3d");
	peers_add(&s->tellers, "vmail");
	return service_start(&s->service);
}

/* --- tickets ----------------------------------------------------------------------- */

static bool
ticket_request(struct connection *c, struct packet *p)
{
	struct ticket_service *s = (struct ticket_service *)c->service;
	const char *verb = packet_verb(p), *tag = packet_field(p), *ticket = packet_field(p), *service = packet_field(p);
	if (strcmp(verb, "redeem") != 0 || !tag_is_ok(tag) || service == NULL || packet_rest(p).len > 0)
		return false;
	char user[TICKET_USER_MOST + 1];
	if (!tickets_redeem(s->tickets, ticket, service, user)) {
		log_warning("ticket-refused", log_text("service", service), log_text("reason", "unknown, used, or out of date"));
		lookup_answer(c, tag, NULL, VERDICT_NO);
		return true;
	}
	struct question q = {.kind = INQUIRY_HOME, .address = user, .login = "", .service = "", .client = "", .tag = tag};
	if (!inquiry_start(s->inquiries, &q, resolved, c))
		lookup_answer_later(c, tag, "no memory");
	return true;
}

static void
ticket_closed(struct connection *c)
{
	inquiries_forget(((struct ticket_service *)c->service)->inquiries, c);
}

bool
ticket_start(struct ticket_service *s)
{
	s->service.name = "authd/ticket";
	s->service.most = REDEEMERS_MOST;
	s->service.request = ticket_request;
	s->service.closed = ticket_closed;
	peers_add(&s->service.peers, "vmail");
	return service_start(&s->service);
}
