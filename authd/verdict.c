#include <stddef.h>
#include <stdio.h>
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
	timer_cancel(&e->delay);
	if (e->owner != NULL)
		e->owner->exchange = NULL;
	str_free(&e->user);
	str_free(&e->login);
	str_free(&e->other);
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
	bool acts = e->other.len > 0 && !slice_equal(str_slice(&e->login), str_slice(&e->user));
	log_event(level, event, log_slice("user", str_slice(&e->user)), log_slice(acts ? "master" : NULL, str_slice(&e->login)),
	    log_text("service", e->owner->name), log_text("client", e->owner->client), log_text("line", e->owner->encrypted ? "tls" : "plain"),
	    log_text(e->mechanism[0] != '\0' ? "mechanism" : NULL, e->mechanism), log_text(e->stale ? "row" : NULL, "remembered"),
	    log_text(reason != NULL ? "reason" : NULL, reason));
}

/* Mail is submitted without a session of ours behind it; other people's software has its own. */
static bool
needs_ticket(const char *service)
{
	return strcmp(service, "imap") == 0 || strcmp(service, "pop3") == 0;
}

void
verdict_later(struct exchange *e, const char *why)
{
	if (e->owner != NULL) {
		if (e->why[0] != '\0')
			why = e->why;
		log_verdict(e, "login-later", why);
		exchange_say(e, "later", why, NULL);
	}
	exchange_end(e);
}

static void
say_no(struct exchange *e)
{
	exchange_say(e, "no", e->why, NULL);
	exchange_end(e);
}

void
verdict_after_delay(struct timer *t)
{
	say_no((struct exchange *)((char *)t - offsetof(struct exchange, delay)));
}

/* Conversations that wait take up places: when those become few nobody waits. */
static bool
may_wait(const struct exchange *e)
{
	return e->service->service.count < e->service->service.most / 2;
}

static int64_t
note_failure(struct exchange *e, const char *tried)
{
	struct failures_answer next = failures_note(
	    e->service->failures, slice_of(e->owner->client), str_slice(&e->login), slice_of(tried), clock_ms());
	return may_wait(e) ? next.delay_ms : 0;
}

void
verdict_no(struct exchange *e, const char *why, const char *tried)
{
	if (e->owner == NULL) {
		exchange_end(e);
		return;
	}
	int64_t delay = note_failure(e, tried);
	if (e->stale) {
		/* He may have got a new password since. */
		verdict_later(e, "it does not fit what is remembered of the user, and the database is gone");
		return;
	}
	snprintf(e->why, sizeof e->why, "%s", e->left_out != NULL ? e->left_out : why);
	log_verdict(e, "login-failed", e->why);
	if (delay == 0 || !timer_set(&e->delay, delay)) {
		say_no(e);
		return;
	}
	e->state = DELAYED;
}

void
verdict_cancelled(struct exchange *e)
{
	log_verdict(e, "login-cancelled", NULL);
	exchange_say(e, "no", "cancelled", NULL);
	exchange_end(e);
}

void
verdict_ok(struct exchange *e, const char *memory)
{
	char letters[TICKET_LETTERS + 1] = "-";
	struct login_service *s = e->service;
	if (e->owner == NULL) {
		exchange_end(e);
		return;
	}
	if (needs_ticket(e->owner->name) && !tickets_issue(s->tickets, str_text(&e->user), e->owner->name, clock_ms(), letters)) {
		verdict_later(e, "too many tickets wait to be redeemed");
		return;
	}
	remembered_note(s->remembered, str_slice(&e->login), memory, clock_ms());
	failures_succeeded(s->failures, slice_of(e->owner->client), str_slice(&e->login), clock_ms());
	log_verdict(e, "login", NULL);
	exchange_say(e, "ok", str_text(&e->user), letters);
	exchange_end(e);
}
