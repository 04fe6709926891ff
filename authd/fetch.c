#include "authd/fetch.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "authd/database.h"

#define JOB_MOST  16 /* questions in a job: several workers share what many recipients want */
#define LOOK_BACK 96 /* questions among which an equal one is looked for */

struct asker {
	struct asker  *next;
	fetch_handler *done;
	void          *owner;
};

/* A question, and who wants its answer. */
struct fetch {
	struct fetch  *next;
	struct fetches *all;
	enum map       map;
	struct str     key;
	struct asker  *askers;
};

/* Questions that went to a worker together. */
struct fetch_job {
	size_t        count, answered;
	struct fetch *questions[JOB_MOST];
};

static struct packet job_packet;

/* --- answers ------------------------------------------------------------------------------ */

/* What stands behind the word of an answer. */
static struct told
read_told(const char *word, struct packet *answer)
{
	struct told t = {.state = FACT_LATER, .value = ""};
	if (strcmp(word, DATABASE_FOUND) == 0) {
		const char *value = packet_field(answer);
		if (value != NULL)
			t = (struct told){.state = FACT_FOUND, .value = value};
	} else if (strcmp(word, DATABASE_NONE) == 0) {
		t.state = FACT_NONE;
	} else if (strcmp(word, DATABASE_LATER) == 0) {
		const char *why = packet_field(answer), *kind = packet_field(answer);
		t.away = why != NULL && kind != NULL && strcmp(kind, DATABASE_AWAY) == 0;
	} else {
		t.away = true;
	}
	return t;
}

struct told
fetch_told(struct packet *answer)
{
	return read_told(answer != NULL ? packet_verb(answer) : "", answer);
}

static void
release(struct fetch *f)
{
	str_free(&f->key);
	free(f);
}

/* Tells everybody who asked, and forgets the question. */
static void
answer(struct fetch *f, const struct told *t, struct packet *lines)
{
	while (f->askers != NULL) {
		struct asker *a = f->askers;
		f->askers = a->next;
		a->done(a->owner, f->map, str_slice(&f->key), t, lines);
		free(a);
	}
	release(f);
}

static void
refuse(struct fetch *f)
{
	answer(f, &(struct told){.state = FACT_LATER, .value = "", .busy = true}, NULL);
}

static bool
answered_alone(void *context, struct pool_worker *w, struct packet *packet)
{
	(void)w;
	struct told t = fetch_told(packet);
	answer(context, &t, NULL);
	return true;
}

bool
fetch_alone(struct fetches *all, const struct fetch_alone *what, pool_handler *done, void *context)
{
	packet_begin(&job_packet, DATABASE_ASK);
	packet_add_number(&job_packet, what->map);
	packet_add(&job_packet, what->key);
	packet_add_text(&job_packet, what->service);
	packet_add_text(&job_packet, what->client);
	if (what->explain)
		packet_add_text(&job_packet, DATABASE_EXPLAIN);
	return pool_submit(all->database, &job_packet, done, context);
}

static void
ask_again_alone(struct fetch *f)
{
	struct fetch_alone what = {.map = f->map, .key = str_slice(&f->key), .service = "", .client = ""};
	if (!fetch_alone(f->all, &what, answered_alone, f))
		refuse(f);
}

/* The worker was lost: so are the questions that it had not answered. */
static void
lose(struct fetch_job *job)
{
	struct told t = fetch_told(NULL);
	while (job->answered < job->count)
		answer(job->questions[job->answered++], &t, NULL);
}

static bool
answered_together(void *context, struct pool_worker *w, struct packet *packet)
{
	(void)w;
	struct fetch_job *job = context;
	const char *word;
	if (packet == NULL)
		lose(job);
	else
		packet_verb(packet);
	while (job->answered < job->count && (word = packet_field(packet)) != NULL) {
		struct fetch *f = job->questions[job->answered++];
		struct told t = {.state = FACT_LATER};
		bool unasked = strcmp(word, DATABASE_UNASKED) == 0;
		if (!unasked)
			t = read_told(word, packet);
		if (unasked)
			ask_again_alone(f);
		else
			answer(f, &t, NULL);
	}
	if (packet != NULL)
		explicit_bzero(packet->data, packet->len);
	if (job->answered < job->count)
		return false;
	free(job);
	return true;
}

/* --- questions ---------------------------------------------------------------------------- */

static struct fetch *
take_first(struct fetches *all)
{
	struct fetch *f = all->first;
	all->first = f->next;
	if (all->first == NULL)
		all->last = NULL;
	return f;
}

/* As many of those that wait as a job and a packet have room for. False: no memory, or too many questions wait. */
static bool
send_job(struct fetches *all)
{
	struct fetch_job *job = calloc(1, sizeof *job);
	if (job == NULL)
		return false;
	packet_begin(&job_packet, DATABASE_ASKS);
	while (all->first != NULL && job->count < JOB_MOST) {
		struct fetch *f = take_first(all);
		packet_add_number(&job_packet, f->map);
		packet_add(&job_packet, str_slice(&f->key));
		job->questions[job->count++] = f;
	}
	if (pool_submit(all->database, &job_packet, answered_together, job))
		return true;
	for (size_t i = 0; i < job->count; i++)
		refuse(job->questions[i]);
	free(job);
	return true;
}

static void
send_all(struct timer *t)
{
	struct fetches *all = (struct fetches *)((char *)t - offsetof(struct fetches, send));
	while (all->first != NULL)
		if (!send_job(all))
			refuse(take_first(all));
}

static struct fetch *
find_equal(const struct fetches *all, enum map map, struct slice key)
{
	size_t seen = 0;
	for (struct fetch *f = all->first; f != NULL && seen < LOOK_BACK; f = f->next, seen++)
		if (f->map == map && slice_equal(str_slice(&f->key), key))
			return f;
	return NULL;
}

static struct fetch *
add(struct fetches *all, enum map map, struct slice key)
{
	struct fetch *f = calloc(1, sizeof *f);
	if (f == NULL)
		return NULL;
	*f = (struct fetch){.all = all, .map = map, .key = STR_MOST(MAP_KEY_MOST)};
	all->send.fire = send_all;
	if (!str_set(&f->key, key) || (all->send.place == 0 && !timer_set(&all->send, 0))) {
		release(f);
		return NULL;
	}
	if (all->last != NULL)
		all->last->next = f;
	else
		all->first = f;
	all->last = f;
	return f;
}

bool
fetch_together(struct fetches *all, enum map map, struct slice key, fetch_handler *done, void *owner)
{
	struct asker *a = calloc(1, sizeof *a);
	if (a == NULL)
		return false;
	struct fetch *f = find_equal(all, map, key);
	if (f == NULL)
		f = add(all, map, key);
	if (f == NULL) {
		free(a);
		return false;
	}
	*a = (struct asker){.next = f->askers, .done = done, .owner = owner};
	f->askers = a;
	return true;
}
