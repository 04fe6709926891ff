#include <stdlib.h>
#include <string.h>

#include "authd/exchange.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

static struct packet out;

void
exchange_end(struct exchange *e)
{
	inquiries_forget(e->service->inquiries, e);
	if (e->owner != NULL)
		e->owner->exchange = NULL;
	str_free(&e->user);
	free(e);
}

void
exchange_say(struct exchange *e, const char *verb, const char *field, const char *other)
{
	packet_begin(&out, verb);
	packet_add_text(&out, e->tag);
	packet_add_text(&out, field);
	if (other != NULL)
		packet_add_text(&out, other);
	connection_send(&e->owner->connection, &out);
}

static void
log_verdict(struct exchange *e, const char *event, const char *reason)
{
	enum log_level level = strcmp(event, "login") == 0 ? LOG_INFO : LOG_WARNING;
	log_event(level, event, log_slice("user", str_slice(&e->user)), log_text("service", e->owner->name),
	    log_text("client", e->owner->client), log_text("line", e->owner->encrypted ? "tls" : "plain"),
	    log_text(reason != NULL ? "reason" : NULL, reason));
}

/* Mail is submitted without a session of ours behind it. */
static bool
needs_ticket(const char *service)
{
	return strcmp(service, "smtp") != 0 && strcmp(service, "submission") != 0 && strcmp(service, "smtps") != 0;
}

void
verdict_later(struct exchange *e, const char *why)
{
	if (e->owner != NULL) {
		log_verdict(e, "login-later", why);
		exchange_say(e, "later", why, NULL);
	}
	exchange_end(e);
}

void
verdict_no(struct exchange *e, const char *why)
{
	if (e->owner != NULL) {
		log_verdict(e, "login-failed", why);
		exchange_say(e, "no", why, NULL);
	}
	exchange_end(e);
}

void
verdict_ok(struct exchange *e)
{
	char letters[TICKET_LETTERS + 1] = "-";
	if (e->owner == NULL) {
		exchange_end(e);
		return;
	}
	if (needs_ticket(e->owner->name) &&
	    !tickets_issue(e->service->tickets, str_text(&e->user), e->owner->name, clock_ms(), letters)) {
		verdict_later(e, "too many tickets wait to be redeemed");
		return;
	}
	log_verdict(e, "login", NULL);
	exchange_say(e, "ok", str_text(&e->user), letters);
	exchange_end(e);
}
