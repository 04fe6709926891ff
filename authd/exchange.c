/*
 * One authentication, from the client's first blob to the verdict. The blobs
 * go to a worker unread; the worker says which user it needs, the row is looked
 * up here, and the user that was looked up is the one that logs in.
 *
 *   BUSY     a job is with the worker (or in its line)
 *   WAITING  the worker sent a challenge; the client's turn
 *   DELAYED  a "no" that is held back for a while
 *
 * An exchange whose conversation is gone has no owner and goes when its job
 * comes back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/exchange.h"
#include "lib/base/log.h"

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
	e->user = e->login = e->other = STR_MOST(TICKET_USER_MOST);
	e->delay.fire = verdict_after_delay;
	set_tag(e, tag);
	c->exchange = e;
	return e;
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
		exchange_say(e, "more", blob, NULL);
		return;
	}
	drop(e->service, e->worker, e->id);
	exchange_end(e);
}

static const char *
text_or(const char *text, const char *other)
{
	return text != NULL ? text : other;
}

/* The worker has decided. */
static void
conclude(struct exchange *e, struct packet *p)
{
	const char *verb = packet_verb(p), *field = packet_field(p), *class = packet_field(p), *tried = packet_field(p);
	if (class != NULL && e->found)
		offers_note_class(&e->service->offers, class);
	if (strcmp(verb, "ok") == 0 && e->found && e->user.len > 0)
		verdict_ok(e, text_or(field, ""));
	else if (strcmp(verb, "no") == 0)
		verdict_no(e, text_or(field, ""), text_or(tried, ""));
	else if (strcmp(verb, "more") == 0 && field != NULL)
		challenge(e, field);
	else
		verdict_later(e, text_or(field, "the worker said nothing"));
}

static bool
worker_answered(void *context, struct pool_worker *w, struct packet *p)
{
	struct exchange *e = context;
	if (p != NULL && strcmp(packet_verb(p), "need") == 0 && e->asking == NULL) {
		const char *login = packet_field(p);
		exchange_look_up(e, w, login, packet_field(p));
		return false;
	}
	e->service->hashers->load[e->worker]--;
	if (p != NULL)
		conclude(e, p);
	else
		verdict_later(e, "the worker died");
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
		verdict_later(e, "too many logins wait");
}

/* --- requests -------------------------------------------------------------------------- */

static void
answer(struct conversation *c, const char *verb, const char *tag, const char *why)
{
	packet_begin(&out, verb);
	packet_add_text(&out, tag);
	packet_add_text(&out, why);
	connection_send(&c->connection, &out);
}

static void
no_memory(struct conversation *c, const char *tag)
{
	answer(c, "later", tag, "no memory");
}

static void
refuse(struct conversation *c, const char *tag, const char *why, const char *event, const char *hint)
{
	log_warning(event, log_text("service", c->name), log_text("client", c->client), log_text("reason", why), log_text("hint", hint));
	answer(c, "no", tag, why);
}

/* A password in the protocol's own command is as clear as PLAIN. */
static bool
password_allowed(const struct conversation *c)
{
	return c->encrypted || ((const struct login_service *)c->connection.service)->offers.plain_without_tls;
}

static void
refuse_plain_line(struct conversation *c, const char *tag)
{
	refuse(c, tag, "passwords are taken over TLS only", "login-without-tls", "the setting plain_without_tls allows it");
}

/* True: this mechanism may be begun; else it has been answered. */
static bool
mechanism_allowed(struct conversation *c, const char *tag, const char *name)
{
	const struct offers *offers = &((const struct login_service *)c->connection.service)->offers;
	struct line line = conversation_line(c), safe = line;
	safe.encrypted = true;
	if (offers_has(offers, &line, slice_of(name)))
		return true;
	if (offers_has(offers, &safe, slice_of(name)))
		refuse_plain_line(c, tag);
	else if (offers_withdrew(offers, slice_of(name)))
		/* The client has the list of before: a "no" would be a wrong password to it. */
		answer(c, "later", tag, "this mechanism is not offered any more");
	else
		refuse(c, tag, "this mechanism is not offered", "mechanism-refused", "the setting sasl_mechanisms");
	return false;
}

bool
exchange_auth(struct conversation *c, const char *tag, struct packet *p)
{
	const char *mechanism = packet_field(p), *initial = packet_field(p);
	if (mechanism == NULL || c->exchange != NULL || packet_rest(p).len > 0)
		return false;
	if (!mechanism_allowed(c, tag, mechanism))
		return true;
	struct exchange *e = begin(c, tag);
	if (e == NULL) {
		no_memory(c, tag);
		return true;
	}
	snprintf(e->mechanism, sizeof e->mechanism, "%s", mechanism);
	packet_begin(&out, "begin");
	packet_add_number(&out, e->id);
	packet_add_text(&out, mechanism);
	packet_add_text(&out, c->binding);
	packet_add_text(&out, c->certificate);
	if (initial != NULL)
		packet_add_text(&out, initial);
	explicit_bzero(p->data, p->len);
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
	explicit_bzero(p->data, p->len);
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
	explicit_bzero(p->data, p->len);
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
	verdict_cancelled(e);
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
	if (e->state == BUSY)
		return;
	if (e->state == WAITING)
		drop(e->service, e->worker, e->id);
	exchange_end(e);
}
