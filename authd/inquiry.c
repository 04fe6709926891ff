#include "authd/inquiry.h"

#include <stdlib.h>
#include <string.h>

#include "authd/database.h"
#include "lib/base/log.h"

struct inquiry {
	struct resolution resolution; /* first: inquiry_tag() finds the rest */
	struct inquiries *all;
	struct inquiry   *next, *previous;
	struct str        tag;
	inquiry_handler  *done;
	void             *owner;
};

static struct packet job;

const char *
inquiry_tag(const struct resolution *r)
{
	return str_text(&((const struct inquiry *)r)->tag);
}

static void
enlist(struct inquiry *q)
{
	q->next = q->all->first;
	if (q->next != NULL)
		q->next->previous = q;
	q->all->first = q;
}

static void
unlist(struct inquiry *q)
{
	if (q->previous != NULL)
		q->previous->next = q->next;
	else if (q->all->first == q)
		q->all->first = q->next;
	if (q->next != NULL)
		q->next->previous = q->previous;
}

static void
finish(struct inquiry *q, enum verdict v)
{
	unlist(q);
	if (q->done != NULL)
		q->done(q->owner, &q->resolution, v);
	resolution_end(&q->resolution);
	str_free(&q->tag);
	free(q);
}

static void go_on(struct inquiry *q);

/* A worker that died knows nothing: that is later, never no. */
static bool
database_answered(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)w;
	struct inquiry *q = context;
	const char *verb = answer != NULL ? packet_verb(answer) : "";
	const char *value = answer != NULL && strcmp(verb, DATABASE_FOUND) == 0 ? packet_field(answer) : NULL;
	if (value != NULL)
		facts_learn(&q->resolution.facts, FACT_FOUND, slice_of(value));
	else
		facts_learn(&q->resolution.facts, strcmp(verb, DATABASE_NONE) == 0 ? FACT_NONE : FACT_LATER, slice_of(""));
	if (answer != NULL)
		explicit_bzero(answer->data, answer->len);
	go_on(q);
	return true;
}

static bool
fetch(struct inquiry *q)
{
	const struct facts *f = &q->resolution.facts;
	packet_begin(&job, DATABASE_ASK);
	packet_add_number(&job, f->wanted_map);
	packet_add(&job, str_slice(&f->wanted_key));
	packet_add_text(&job, "");
	packet_add_text(&job, "");
	return pool_submit(q->all->database, &job, database_answered, q);
}

/* Says the answer no to something: no such user, no alias, not ours? */
static bool
is_no(struct resolution *r, enum verdict v)
{
	if (v == VERDICT_OK && r->kind == INQUIRY_RCPT)
		return strcmp(str_text(&r->fields), "unknown") == 0 || strcmp(str_text(&r->fields), "foreign") == 0;
	return v == VERDICT_NO;
}

/* The resolver's answer. A "no" that rests on memory is asked again first: an account made a moment ago works. */
static enum verdict
resolve_surely(struct resolution *r)
{
	enum verdict v = resolve(r);
	if (!r->facts.remembered || !is_no(r, v))
		return v;
	facts_ask_anew(&r->facts);
	return resolve(r);
}

static void
go_on(struct inquiry *q)
{
	enum verdict v = resolve_surely(&q->resolution);
	if (v == VERDICT_WAIT && fetch(q))
		return;
	if (v == VERDICT_WAIT) {
		q->resolution.why = "too many questions wait for the database";
		log_warning("database-busy", log_slice("address", str_slice(&q->resolution.address)));
		v = VERDICT_LATER;
	}
	finish(q, v);
}

bool
inquiry_start(struct inquiries *all, enum inquiry_kind kind, const char *address, const char *login, const char *tag,
    inquiry_handler *done, void *owner)
{
	users_cdb_refresh(all->source.users);
	struct inquiry *q = calloc(1, sizeof *q);
	if (q == NULL)
		return false;
	q->all = all;
	q->done = done;
	q->owner = owner;
	q->tag = STR_MOST(256);
	bool ok = resolution_begin(&q->resolution, kind, &all->options, &all->source, address, login);
	if (!str_append_text(&q->tag, tag) || !ok) {
		resolution_end(&q->resolution);
		str_free(&q->tag);
		free(q);
		return false;
	}
	enlist(q);
	go_on(q);
	return true;
}

void
inquiries_forget(struct inquiries *all, const void *owner)
{
	for (struct inquiry *q = all->first; q != NULL; q = q->next)
		if (q->owner == owner)
			q->done = NULL;
}
