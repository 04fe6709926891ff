#include "authd/lookup.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

/* Together with SESSIONS_MOST these stay beneath the descriptors of the contract. */
#define LOOKUPS_MOST   1536
#define REDEEMERS_MOST 256

static struct packet answer;

void
lookup_answer(struct connection *c, const char *tag, struct resolution *r, enum verdict v)
{
	packet_begin(&answer, v == VERDICT_OK ? "ok" : v == VERDICT_NO ? "no" : "later");
	packet_add_text(&answer, tag);
	if (v == VERDICT_OK)
		packet_add_rest(&answer, str_slice(&r->fields));
	else if (v == VERDICT_LATER)
		packet_add_text(&answer, r->why);
	connection_send(c, &answer);
}

static void
answer_later(struct connection *c, const char *tag, const char *why)
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

static const struct {
	const char       *verb;
	enum inquiry_kind kind;
	bool              two; /* the login comes before the address */
} questions[] = {
    {"rcpt", INQUIRY_RCPT, false},
    {"alias", INQUIRY_ALIAS, false},
    {"mailbox", INQUIRY_MAILBOX, false},
    {"transport", INQUIRY_TRANSPORT, false},
    {"sender", INQUIRY_SENDER, true},
};

/* A tag is the asker's, but it comes back in a packet: it must be short. */
static bool
tag_ok(const char *tag)
{
	return tag != NULL && strlen(tag) <= 64;
}

static void
log_over(const char *login, const struct outgoing_state *s)
{
	log_warning("outgoing-limit", log_text("login", login), log_text("reason", s->why), log_number("hour", (int64_t)s->hour),
	    log_number("day", (int64_t)s->day),
	    log_text("hint", "its mail is held: postern-mailq; postern-queuectl release or delete; settings outgoing_hour, outgoing_day"));
}

/* "outgoing T LOGIN RECIPIENTS": answered from memory, at once. */
static bool
outgoing_request(struct connection *c, struct packet *p, const char *tag)
{
	const char *login = packet_field(p);
	uint64_t recipients;
	struct outgoing_state state;
	if (!tag_ok(tag) || login == NULL || !packet_field_number(p, UINT32_MAX, &recipients) || packet_rest(p).len > 0)
		return false;
	enum outgoing_verdict v =
	    outgoing_count(((struct lookup_service *)c->service)->outgoing, slice_of(login), recipients, clock_unix(), &state);
	if (v == OUTGOING_HOLD_FIRST)
		log_over(login, &state);
	packet_begin(&answer, "ok");
	packet_add_text(&answer, tag);
	packet_add_text(&answer, v == OUTGOING_PASS ? "pass" : "hold");
	if (v != OUTGOING_PASS) {
		packet_add_text(&answer, state.why);
		packet_add_text(&answer, v == OUTGOING_HOLD_FIRST ? "first" : "again");
	}
	connection_send(c, &answer);
	return true;
}

static bool
lookup_request(struct connection *c, struct packet *p)
{
	struct inquiries *inquiries = ((struct lookup_service *)c->service)->inquiries;
	const char *verb = packet_verb(p), *tag = packet_field(p);
	if (strcmp(verb, "outgoing") == 0)
		return outgoing_request(c, p, tag);
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
		if (strcmp(verb, questions[i].verb) != 0)
			continue;
		const char *login = questions[i].two ? packet_field(p) : "";
		const char *address = packet_field(p);
		if (!tag_ok(tag) || login == NULL || address == NULL || packet_rest(p).len > 0)
			return false;
		if (!inquiry_start(inquiries, questions[i].kind, address, login, tag, resolved, c))
			answer_later(c, tag, "no memory, or an address longer than 1024 bytes");
		return true;
	}
	return false;
}

static void
lookup_closed(struct connection *c)
{
	inquiries_forget(((struct lookup_service *)c->service)->inquiries, c);
}

bool
lookup_start(struct lookup_service *s)
{
	s->service.name = "authd/lookup";
	s->service.most = LOOKUPS_MOST;
	s->service.request = lookup_request;
	s->service.closed = lookup_closed;
	peers_add(&s->service.peers, "postern-smtpd");
	peers_add(&s->service.peers, "postern-queue");
	peers_add(&s->service.peers, "vmail");
	peers_add(&s->service.peers, "postern-lmtpd");
	return service_start(&s->service);
}

/* --- tickets ----------------------------------------------------------------------- */

static bool
ticket_request(struct connection *c, struct packet *p)
{
	struct ticket_service *s = (struct ticket_service *)c->service;
	const char *verb = packet_verb(p), *tag = packet_field(p), *ticket = packet_field(p), *service = packet_field(p);
	if (strcmp(verb, "redeem") != 0 || !tag_ok(tag) || service == NULL || packet_rest(p).len > 0)
		return false;
	char user[TICKET_USER_MOST + 1];
	if (!tickets_redeem(s->tickets, ticket, service, user)) {
		log_warning("ticket-refused", log_text("service", service), log_text("reason", "unknown, used, or out of date"));
		lookup_answer(c, tag, NULL, VERDICT_NO);
		return true;
	}
	if (!inquiry_start(s->inquiries, INQUIRY_HOME, user, "", tag, resolved, c))
		answer_later(c, tag, "no memory");
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
