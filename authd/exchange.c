/*
 * One authentication, from the client's first blob to the verdict. The blobs
 * go to a worker unread; the worker says which user it needs, the row is looked
 * up here, and the user that was looked up is the one that logs in.
 *
 *   BUSY     a job is with the worker (or in its line)
 *   WAITING  the worker sent a challenge; the client's turn
 *
 * An exchange whose conversation is gone has no owner and goes when its job
 * comes back.
 */
#include <stdlib.h>
#include <string.h>

#include "authd/login.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

struct exchange {
	struct login_service *service;
	struct conversation  *owner;
	uint64_t              id;
	size_t                worker; /* number in service->hashers */
	enum { BUSY, WAITING } state;
	char                  tag[TAG_MOST + 1];
	struct str            user;   /* whose row was looked up */
	struct pool_worker   *asking; /* waits for a row */
};

static struct packet out; /* to a worker or a peer, sent at once */

static void
set_tag(struct exchange *e, const char *tag)
{
	memcpy(e->tag, tag, strlen(tag) + 1);
}

static struct exchange *
begin(struct conversation *c, const char *tag)
{
	struct exchange *e = calloc(1, sizeof *e);
	if (e == NULL)
		return NULL;
	e->service = (struct login_service *)c->connection.service;
	e->owner = c;
	e->id = ++e->service->last_exchange;
	e->worker = hashers_choose(e->service->hashers);
	e->user = STR_MOST(TICKET_USER_MOST);
	set_tag(e, tag);
	c->exchange = e;
	return e;
}

static void
end(struct exchange *e)
{
	inquiries_forget(e->service->inquiries, e);
	if (e->owner != NULL)
		e->owner->exchange = NULL;
	str_free(&e->user);
	free(e);
}

static void
say(struct exchange *e, const char *verb, const char *field, const char *other)
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

/* --- the verdict -------------------------------------------------------------------- */

/* Mail is submitted without a session of ours behind it. */
static bool
needs_ticket(const char *service)
{
	return strcmp(service, "smtp") != 0 && strcmp(service, "submission") != 0 && strcmp(service, "smtps") != 0;
}

static void
finish_later(struct exchange *e, const char *why)
{
	if (e->owner != NULL) {
		log_verdict(e, "login-later", why);
		say(e, "later", why, NULL);
	}
	end(e);
}

static void
finish_no(struct exchange *e, const char *why)
{
	if (e->owner != NULL) {
		log_verdict(e, "login-failed", why);
		say(e, "no", why, NULL);
	}
	end(e);
}

static void
finish_ok(struct exchange *e)
{
	char letters[TICKET_LETTERS + 1] = "-";
	if (e->owner == NULL) {
		end(e);
		return;
	}
	if (needs_ticket(e->owner->name) &&
	    !tickets_issue(e->service->tickets, str_text(&e->user), e->owner->name, clock_ms(), letters)) {
		finish_later(e, "too many tickets wait to be redeemed");
		return;
	}
	log_verdict(e, "login", NULL);
	say(e, "ok", str_text(&e->user), letters);
	end(e);
}

/* --- the row ------------------------------------------------------------------------ */

static void
found_row(void *owner, struct resolution *r, enum verdict v)
{
	struct exchange *e = owner;
	struct slice fields = str_slice(&r->fields), user, hash = slice_of("");
	str_set(&e->user, str_slice(&r->full));
	if (v == VERDICT_OK && slice_split(&fields, '\0', &user))
		slice_split(&fields, '\0', &hash);
	packet_begin(&out, "row");
	packet_add_text(&out, v == VERDICT_OK ? "found" : v == VERDICT_NO ? "none" : "later");
	packet_add(&out, hash);
	if (v == VERDICT_NO && r->why[0] != '\0')
		log_warning("login-unlikely", log_slice("user", str_slice(&r->full)), log_text("reason", r->why),
		    log_text("hint", "the client must log in with the full address"));
	/* A worker that is gone is told of by worker_answered(). */
	pool_continue(e->asking, &out);
	explicit_bzero(out.data, out.len);
}

static void
look_up(struct exchange *e, struct pool_worker *w, const char *user)
{
	e->asking = w;
	if (user != NULL && inquiry_start(e->service->inquiries, INQUIRY_PASSWORD, user, "", "", found_row, e))
		return;
	packet_begin(&out, "row");
	packet_add_text(&out, user != NULL && strlen(user) > TICKET_USER_MOST ? "none" : "later");
	pool_continue(w, &out);
}

/* --- the worker ---------------------------------------------------------------------- */

static bool
dropped(void *context, struct pool_worker *w, struct packet *p)
{
	(void)w, (void)p;
	(*(size_t *)context)--;
	return true;
}

/* The worker forgets what it keeps of this exchange. */
static void
drop(struct login_service *s, size_t worker, uint64_t id)
{
	packet_begin(&out, "drop");
	packet_add_number(&out, id);
	if (pool_submit(&s->hashers->pools[worker], &out, dropped, &s->hashers->load[worker]))
		s->hashers->load[worker]++;
}

static void
challenge(struct exchange *e, const char *blob)
{
	e->state = WAITING;
	if (e->owner != NULL) {
		say(e, "more", blob, NULL);
		return;
	}
	drop(e->service, e->worker, e->id);
	end(e);
}

static bool
worker_answered(void *context, struct pool_worker *w, struct packet *p)
{
	struct exchange *e = context;
	const char *verb = p != NULL ? packet_verb(p) : "";
	const char *field = p != NULL ? packet_field(p) : NULL;
	if (strcmp(verb, "need") == 0) {
		look_up(e, w, field);
		return false;
	}
	e->service->hashers->load[e->worker]--;
	if (strcmp(verb, "ok") == 0 && e->user.len > 0)
		finish_ok(e);
	else if (strcmp(verb, "no") == 0)
		finish_no(e, field != NULL ? field : "");
	else if (strcmp(verb, "more") == 0 && field != NULL)
		challenge(e, field);
	else
		finish_later(e, p == NULL ? "the worker died" : field != NULL ? field : "the worker said nothing");
	return true;
}

/* `out` is the job. */
static void
submit(struct exchange *e)
{
	e->state = BUSY;
	struct hashers *h = e->service->hashers;
	bool sent = pool_submit(&h->pools[e->worker], &out, worker_answered, e);
	explicit_bzero(out.data, out.len);
	if (sent)
		h->load[e->worker]++;
	else
		finish_later(e, "too many logins wait");
}

/* --- requests -------------------------------------------------------------------------- */

static void
no_memory(struct conversation *c, const char *tag)
{
	packet_begin(&out, "later");
	packet_add_text(&out, tag);
	packet_add_text(&out, "no memory");
	connection_send(&c->connection, &out);
}

static bool
password_allowed(const struct conversation *c)
{
	return c->encrypted || ((const struct login_service *)c->connection.service)->plain_without_tls;
}

static void
refuse_plain_line(struct conversation *c, const char *tag)
{
	packet_begin(&out, "no");
	packet_add_text(&out, tag);
	packet_add_text(&out, "passwords are taken over TLS only");
	log_warning("login-without-tls", log_text("service", c->name), log_text("client", c->client),
	    log_text("hint", "the setting plain_without_tls allows it"));
	connection_send(&c->connection, &out);
}

bool
exchange_auth(struct conversation *c, const char *tag, struct packet *p)
{
	const char *mechanism = packet_field(p), *initial = packet_field(p);
	if (mechanism == NULL || c->exchange != NULL || packet_rest(p).len > 0)
		return false;
	if (!password_allowed(c)) {
		refuse_plain_line(c, tag);
		return true;
	}
	struct exchange *e = begin(c, tag);
	if (e == NULL) {
		no_memory(c, tag);
		return true;
	}
	packet_begin(&out, "begin");
	packet_add_number(&out, e->id);
	packet_add_text(&out, mechanism);
	if (initial != NULL)
		packet_add_text(&out, initial);
	submit(e);
	return true;
}

bool
exchange_more(struct conversation *c, const char *tag, struct packet *p)
{
	struct exchange *e = c->exchange;
	const char *response = packet_field(p);
	if (response == NULL || e == NULL || e->state != WAITING || packet_rest(p).len > 0)
		return false;
	set_tag(e, tag);
	packet_begin(&out, "step");
	packet_add_number(&out, e->id);
	packet_add_text(&out, response);
	submit(e);
	return true;
}

bool
exchange_password(struct conversation *c, const char *tag, struct packet *p)
{
	const char *user = packet_field(p), *password = packet_field(p);
	if (password == NULL || c->exchange != NULL || packet_rest(p).len > 0)
		return false;
	if (!password_allowed(c)) {
		refuse_plain_line(c, tag);
		return true;
	}
	struct exchange *e = begin(c, tag);
	if (e == NULL) {
		no_memory(c, tag);
		return true;
	}
	packet_begin(&out, "password");
	packet_add_number(&out, e->id);
	packet_add_text(&out, user);
	packet_add_text(&out, password);
	submit(e);
	return true;
}

bool
exchange_cancel(struct conversation *c, const char *tag)
{
	struct exchange *e = c->exchange;
	if (e == NULL || e->state != WAITING)
		return false;
	drop(e->service, e->worker, e->id);
	set_tag(e, tag);
	finish_no(e, "cancelled");
	return true;
}

void
exchange_abandon(struct conversation *c)
{
	struct exchange *e = c->exchange;
	if (e == NULL)
		return;
	e->owner = NULL;
	c->exchange = NULL;
	if (e->state != WAITING)
		return;
	drop(e->service, e->worker, e->id);
	end(e);
}
