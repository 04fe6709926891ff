#include "authd/inquiry.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

#define STORY_MOST  60000
#define CLIENT_MOST 400
#define PROBE_EVERY 800 /* ms: a database that is back counts within a second */

struct inquiry {
	struct resolution resolution; /* first: inquiry_tag() finds the rest */
	struct inquiries *all;
	struct inquiry   *next, *previous;
	struct str        tag, service, client, story;
	size_t            waiting; /* for so many facts */
	bool              busy;    /* one could not be asked: too many questions wait */
	inquiry_handler  *done;
	void             *owner;
};

const char *
inquiry_tag(const struct resolution *r)
{
	return str_text(&((const struct inquiry *)r)->tag);
}

struct slice
inquiry_story(const struct resolution *r)
{
	return str_slice(&((const struct inquiry *)r)->story);
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
release(struct inquiry *q)
{
	resolution_end(&q->resolution);
	str_free(&q->tag);
	str_free(&q->service);
	str_free(&q->client);
	str_free(&q->story);
	free(q);
}

static void
finish(struct inquiry *q, enum verdict v)
{
	unlist(q);
	facts_keep(&q->resolution.facts, resolution_refuses(&q->resolution, v));
	if (q->done != NULL)
		q->done(q->owner, &q->resolution, v);
	release(q);
}

/* --- the database ------------------------------------------------------------------- */

static void
note_here(struct inquiries *all, enum map map)
{
	if (all->source.away[map])
		log_info("database-answers-again", log_text("map", map_name(map)));
	all->source.away[map] = false;
}

/* --- is it back? ------------------------------------------------------------------------- */

/* While all maps wait for the same database, the first that is answered has the others asked at once. */
static bool
probe_answered(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)w;
	struct probe *p = context;
	struct inquiries *all = p->all;
	struct told t = fetch_told(answer);
	struct facts f;
	p->under_way = false;
	if (t.away)
		return true;
	note_here(all, p->map);
	timer_set(&all->retry, 0);
	/* The question is forgotten, what it brought is not. */
	facts_begin(&f, &all->source);
	f.service = str_text(&p->service);
	f.client = str_text(&p->client);
	facts_want(&f, p->map, str_slice(&p->key));
	facts_learn(&f, p->map, str_slice(&p->key), t.state, slice_of(t.value));
	facts_keep(&f, true);
	facts_end(&f);
	explicit_bzero(answer->data, answer->len);
	return true;
}

static void
probe(struct inquiries *all, enum map map)
{
	struct probe *p = &all->probes[map];
	struct fetch_alone what = {map, str_slice(&p->key), str_text(&p->service), str_text(&p->client), false};
	if (all->source.away[map])
		p->under_way = fetch_alone(&all->fetches, &what, probe_answered, p);
}

static bool
is_probing(const struct inquiries *all)
{
	for (enum map map = 0; map < MAP_COUNT; map++)
		if (all->probes[map].under_way)
			return true;
	return false;
}

/* One question at a time, of the maps in turn: a database that hangs holds one worker. */
static void
probe_next(struct timer *t)
{
	struct inquiries *all = (struct inquiries *)((char *)t - offsetof(struct inquiries, retry));
	bool away = false;
	for (size_t i = 0; i < MAP_COUNT; i++) {
		all->probed = (enum map)((all->probed + 1) % MAP_COUNT);
		away = away || all->source.away[all->probed];
		if (!is_probing(all))
			probe(all, all->probed);
	}
	if (away)
		timer_set(&all->retry, PROBE_EVERY);
}

/*
 * From now on what is remembered serves, and behind it the question that found
 * the database gone is asked again and again: nobody else may ask for hours,
 * and the next answer must not be an old one.
 */
static void
note_away(struct inquiries *all, enum map map, struct slice key, const struct facts *f)
{
	struct probe *p = &all->probes[map];
	if (all->source.away[map] || all->source.cache == NULL || !all->source.one_database[map] || p->under_way)
		return;
	p->all = all;
	p->map = map;
	p->key.limit = p->service.limit = p->client.limit = MAP_KEY_MOST;
	if (!str_set(&p->key, key) || !str_set(&p->service, slice_of(f->service)) || !str_set(&p->client, slice_of(f->client)))
		return;
	all->retry.fire = probe_next;
	all->source.away[map] = all->retry.place != 0 || timer_set(&all->retry, PROBE_EVERY);
	log_warning("database-away", log_text("map", map_name(map)),
	    log_text("hint", "known users are served from what is remembered; what was never seen is answered with later"));
}

/* --- one inquiry --------------------------------------------------------------------- */

static void go_on(struct inquiry *q);

/* Further fields of an answer are what the worker has to tell. */
static void
add_story(struct inquiry *q, enum map map, struct slice key, struct packet *lines)
{
	struct facts *f = &q->resolution.facts;
	if (f->story == NULL)
		return;
	const char *line = lines != NULL ? packet_field(lines) : NULL;
	if (line == NULL)
		facts_explain(f, map_name(map), key, FACT_LATER, slice_of(""));
	for (; line != NULL; line = packet_field(lines)) {
		str_append_format(f->story, "%s: %s", map_name(map), line);
		str_append_byte(f->story, '\0');
	}
}

/* One of the facts that the inquiry waits for; with the last it goes on. */
static void
fetched(void *owner, enum map map, struct slice key, const struct told *t, struct packet *lines)
{
	struct inquiry *q = owner;
	struct facts *f = &q->resolution.facts;
	if (t->away)
		note_away(q->all, map, key, f);
	else if (!t->busy)
		note_here(q->all, map);
	q->busy = q->busy || t->busy;
	add_story(q, map, key, lines);
	facts_learn(f, map, key, t->state, slice_of(t->value));
	if (--q->waiting == 0)
		go_on(q);
}

/* What names a login, or is to be told to a person, goes alone. */
static bool
fetched_alone(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)w;
	struct inquiry *q = context;
	const struct wanted *asked = &q->resolution.facts.wanted[0];
	struct told t = fetch_told(answer);
	struct str key = STR_MOST(MAP_KEY_MOST);
	/* The key is not the facts' any more when they have learned it. */
	str_set(&key, str_slice(&asked->key));
	fetched(q, asked->map, str_slice(&key), &t, answer);
	str_free(&key);
	if (answer != NULL)
		explicit_bzero(answer->data, answer->len);
	return true;
}

static bool
fetch_one(struct inquiry *q)
{
	const struct facts *f = &q->resolution.facts;
	struct fetch_alone what = {f->wanted[0].map, str_slice(&f->wanted[0].key), f->service, f->client, f->story != NULL};
	q->waiting = 1;
	return fetch_alone(&q->all->fetches, &what, fetched_alone, q);
}

/* Asks for what is wanted. False: not now. */
static bool
fetch(struct inquiry *q)
{
	struct facts *f = &q->resolution.facts;
	if (f->story != NULL || f->wanted[0].map == MAP_PASSWORD)
		return fetch_one(q);
	/* One more, so that nothing goes on before all is asked. */
	q->waiting = 1;
	for (size_t i = 0; i < f->wanted_count; i++)
		q->waiting += fetch_together(&q->all->fetches, f->wanted[i].map, str_slice(&f->wanted[i].key), fetched, q);
	return --q->waiting > 0;
}

/* The resolver's answer, but for what memory must not say alone. */
static enum verdict
resolve_surely(struct inquiry *q)
{
	struct resolution *r = &q->resolution;
	enum verdict v = resolve(r);
	if (r->facts.remembered && resolution_refuses(r, v)) {
		q->all->source.cache->counters.negative++;
		facts_ask_anew(&r->facts);
		v = resolve(r);
	}
	if (!r->facts.stale || !resolution_refuses(r, v))
		return v;
	r->why = "the database is gone, and what is remembered may be out of date";
	return VERDICT_LATER;
}

static void
go_on(struct inquiry *q)
{
	enum verdict v = q->busy ? VERDICT_WAIT : resolve_surely(q);
	if (v == VERDICT_WAIT && !q->busy && fetch(q))
		return;
	if (v == VERDICT_WAIT) {
		q->resolution.why = "too many questions wait for the database";
		log_warning("database-busy", log_slice("address", str_slice(&q->resolution.parts.written)), log_text("hint", "the setting sql_workers"));
		v = VERDICT_LATER;
	}
	finish(q, v);
}

static bool
take_question(struct inquiry *q, const struct question *what)
{
	struct resolution *r = &q->resolution;
	q->tag = STR_MOST(256);
	q->service = q->client = STR_MOST(CLIENT_MOST);
	q->story = STR_MOST(STORY_MOST);
	bool ok = resolution_begin(r, what->kind, &q->all->options, &q->all->source, what->address, what->login);
	ok = str_append_text(&q->tag, what->tag) && ok;
	ok = str_append_text(&q->service, what->service) && str_append_text(&q->client, what->client) && ok;
	r->facts.service = str_text(&q->service);
	r->facts.client = str_text(&q->client);
	r->facts.story = what->explain ? &q->story : NULL;
	return ok;
}

bool
inquiry_start(struct inquiries *all, const struct question *what, inquiry_handler *done, void *owner)
{
	users_cdb_refresh(all->source.users);
	local_aliases_refresh(all->options.aliases);
	address_files_refresh(all->options.files);
	struct inquiry *q = calloc(1, sizeof *q);
	if (q == NULL)
		return false;
	q->all = all;
	q->done = done;
	q->owner = owner;
	if (!take_question(q, what)) {
		release(q);
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
