/*
 * The row that a worker asks for. Which row it gets, and who it stands for, is
 * decided here, where nothing of what the client sent is parsed.
 */
#include <stdio.h>
#include <string.h>

#include "authd/exchange.h"
#include "authd/permit.h"
#include "authd/rows.h"
#include "authd/targets.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"

static struct packet out;

/* A worker that is gone is told of by worker_answered(). */
static void
send_row(struct exchange *e, const char *state, struct slice rows, const char *memory)
{
	packet_begin(&out, "row");
	packet_add_text(&out, state);
	if (strcmp(state, "found") == 0) {
		packet_add(&out, rows);
		packet_add_text(&out, memory);
	}
	pool_continue(e->asking, &out);
	explicit_bzero(out.data, out.len);
}

static bool
is_master(const struct exchange *e)
{
	struct slice rest = slice_of(e->service->master_users), name;
	while (next_target(&rest, &name))
		if (slice_equal_nocase(name, str_slice(&e->login)))
			return true;
	return false;
}

/* Whom the login acts for. Nobody but a master user acts for another. */
static const char *
choose_user(struct exchange *e, const struct permit *permit)
{
	if (e->other.len > 0 && !slice_equal_nocase(str_slice(&e->other), str_slice(&e->login))) {
		if (!is_master(e))
			return "the login may not act for another user (setting master_users)";
		str_set(&e->user, str_slice(&e->other));
		return NULL;
	}
	str_set(&e->user, permit->user.len > 0 ? str_slice(&permit->user) : str_slice(&e->login));
	return NULL;
}

/* The rows that count here and now go to the worker, or none: that takes as long. */
static void
give_rows(struct exchange *e, struct slice rows)
{
	struct permit permit;
	bool ok = permit_rows(&permit, rows, e->owner != NULL ? e->owner->name : "", e->owner != NULL ? e->owner->client : "");
	e->left_out = permit.rows.len == 0 ? permit.why : NULL;
	if (ok && e->left_out == NULL)
		e->left_out = choose_user(e, &permit);
	ok = ok && !e->user.failed && !permit.trouble;
	e->found = ok && e->left_out == NULL;
	const char *memory = remembered_find(e->service->remembered, str_slice(&e->login), clock_ms());
	send_row(e, !ok ? "later" : e->found ? "found" : "none", str_slice(&permit.rows), memory);
	permit_free(&permit);
}

static void
explain_absence(const struct resolution *r)
{
	if (r->why[0] != '\0')
		log_warning("login-unlikely", log_slice("user", str_slice(&r->parts.full)), log_text("reason", r->why),
		    log_text("hint", "the client must log in with the full address, or set default_domain"));
}

/* Known or not, an account that is under attack is refused to strangers alike. */
static bool
is_refused(struct exchange *e)
{
	const char *client = e->owner != NULL ? e->owner->client : "";
	struct failures_answer past = failures_before(e->service->failures, slice_of(client), str_slice(&e->login), clock_ms());
	if (past.refuse)
		snprintf(e->why, sizeof e->why, "%s", past.why);
	return past.refuse;
}

static void
found_row(void *owner, struct resolution *r, enum verdict v)
{
	struct exchange *e = owner;
	struct slice fields = str_slice(&r->fields), login, rows = slice_of("");
	str_set(&e->login, str_slice(&r->parts.full));
	str_set(&e->user, str_slice(&r->parts.full));
	e->stale = r->facts.stale;
	if (v == VERDICT_OK && slice_split(&fields, '\0', &login))
		slice_split(&fields, '\0', &rows);
	if (v != VERDICT_LATER && is_refused(e)) {
		send_row(e, "later", rows, "");
	} else if (v == VERDICT_OK) {
		give_rows(e, rows);
	} else {
		if (v == VERDICT_NO)
			explain_absence(r);
		send_row(e, v == VERDICT_NO ? "none" : "later", rows, "");
	}
}

static bool
start_look_up(struct exchange *e, const char *login, const char *other)
{
	struct question q = {.kind = INQUIRY_PASSWORD, .address = login, .login = "", .tag = "",
	    .service = e->owner != NULL ? e->owner->name : "", .client = e->owner != NULL ? e->owner->client : ""};
	if (other != NULL)
		address_append_lower(&e->other, slice_of(other));
	return !e->other.failed && inquiry_start(e->service->inquiries, &q, found_row, e);
}

void
exchange_look_up(struct exchange *e, struct pool_worker *w, const char *login, const char *other)
{
	e->asking = w;
	bool fits = login == NULL || (strlen(login) <= TICKET_USER_MOST && (other == NULL || strlen(other) <= TICKET_USER_MOST));
	if (login == NULL || !fits || !start_look_up(e, login, other))
		send_row(e, fits ? "later" : "none", slice_of(""), "");
}
