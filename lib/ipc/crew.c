#include "lib/ipc/crew.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"

#define SPAWN_AGAIN 1000   /* ms after a spawn that failed */
#define JOB_TIMEOUT 600000 /* ms: a worker that takes longer is given up */

static struct packet in, out;

/* --- workers -------------------------------------------------------------------------------- */

static void
drop_worker(struct crew_worker *w)
{
	struct crew *crew = w->crew;
	timer_cancel(&w->limit);
	loop_remove(&w->watch);
	close(w->watch.fd);
	for (size_t i = 0; i < crew->count; i++)
		if (crew->workers[i] == w)
			crew->workers[i] = crew->workers[--crew->count];
	if (!w->used) {
		log_error("deliver-died", log_text("hint", "postern-deliver must be installed setuid vmail (conf/install)"));
		timer_set(&crew->again, SPAWN_AGAIN);
	}
	for (size_t i = 0; i < w->count; i++)
		crew->ended(w->jobs[i], NULL, "the delivery was interrupted");
	free(w);
}

/* For the log: of the job that is under way for sure. */
static const char *
first_name(const struct crew_worker *w)
{
	return w->count > 0 ? w->crew->name(w->jobs[0]) : "";
}

static void
worker_too_slow(struct timer *t)
{
	struct crew_worker *w = (struct crew_worker *)((char *)t - offsetof(struct crew_worker, limit));
	struct crew *crew = w->crew;
	log_error("deliver-too-slow", log_text("queue", first_name(w)));
	drop_worker(w);
	crew->assign();
}

static bool
read_result(struct packet *p, const struct crew_worker *w, struct outcome *o)
{
	uint64_t tag;
	return w->count > 0 && strcmp(packet_verb(p), "result") == 0 && packet_field_number(p, UINT64_MAX, &tag) && tag == w->tag &&
	    packet_field_outcome(p, o);
}

/* The first job has its time from now. */
static void
begin_first(struct crew_worker *w)
{
	timer_set(&w->limit, JOB_TIMEOUT);
}

static void *
take_first(struct crew_worker *w)
{
	void *job = w->jobs[0];
	w->count--;
	w->tag++;
	w->used = true;
	memmove(w->jobs, w->jobs + 1, w->count * sizeof *w->jobs);
	timer_cancel(&w->limit);
	if (w->count > 0)
		begin_first(w);
	return job;
}

static void
lose_worker(struct crew_worker *w, enum packet_result r)
{
	if (w->used || r == PACKET_OK)
		log_warning("deliver-lost", log_text("queue", first_name(w)),
		    log_text("reason", r == PACKET_OK ? "it does not keep to the protocol" : "it ended"));
	drop_worker(w);
}

static void
worker_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	struct crew_worker *w = (struct crew_worker *)watch;
	struct crew *crew = w->crew;
	struct outcome o;
	enum packet_result r = packet_receive(watch->fd, &in);
	if (r == PACKET_WAIT)
		return;
	packet_close_descriptors(&in);
	if (r == PACKET_OK && read_result(&in, w, &o))
		crew->ended(take_first(w), &o, NULL);
	else
		lose_worker(w, r);
	crew->assign();
}

bool
crew_give(struct crew_worker *w, void *job)
{
	struct crew *crew = w->crew;
	packet_begin(&out, "deliver");
	packet_add_number(&out, w->tag + w->count);
	crew->build(&out, job);
	enum packet_result r = packet_send(w->watch.fd, &out);
	if (r == PACKET_WAIT && w->count > 0) {
		/* The kernel has no room for it just now; the worker is well. */
		crew->ended(job, NULL, "too many deliveries at a time");
		return true;
	}
	w->jobs[w->count++] = job;
	if (w->count == 1)
		begin_first(w);
	if (r != PACKET_OK)
		drop_worker(w);
	return r == PACKET_OK;
}

/* --- the spawner ---------------------------------------------------------------------------- */

void
crew_spawn(struct crew *crew)
{
	if (crew->spawning || crew->again.place != 0 || crew->count >= crew->most)
		return;
	packet_begin(&out, "spawn");
	crew->spawning = packet_send(crew->spawner.fd, &out) == PACKET_OK;
}

static void
add_worker(struct crew *crew, int fd)
{
	struct crew_worker *w = calloc(1, sizeof *w);
	struct crew_worker **workers = reallocarray(crew->workers, crew->count + 1, sizeof(void *));
	if (workers != NULL)
		crew->workers = workers;
	if (w != NULL)
		*w = (struct crew_worker){.watch = {.fd = fd, .ready = worker_ready}, .limit = {.fire = worker_too_slow}, .crew = crew};
	if (w == NULL || workers == NULL || !loop_add(&w->watch, EPOLLIN)) {
		log_error("worker-not-added", log_errno());
		free(w);
		close(fd);
		return;
	}
	crew->workers[crew->count++] = w;
}

static void
spawn_failed(struct crew *crew, const char *why)
{
	log_error("deliver-not-started", log_text("reason", why != NULL ? why : "no answer"));
	timer_set(&crew->again, SPAWN_AGAIN);
	crew->failed();
}

static void
spawner_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	struct crew *crew = (struct crew *)((char *)watch - offsetof(struct crew, spawner));
	enum packet_result r = packet_receive(watch->fd, &in);
	if (r == PACKET_WAIT)
		return;
	if (r != PACKET_OK) {
		loop_remove(watch);
		crew->lost();
		return;
	}
	crew->spawning = false;
	int fd = packet_take_descriptor(&in);
	if (strcmp(packet_verb(&in), "ok") == 0 && fd >= 0)
		add_worker(crew, fd);
	else
		spawn_failed(crew, packet_field(&in));
	packet_close_descriptors(&in);
	crew->assign();
}

static void
spawn_again(struct timer *t)
{
	struct crew *crew = (struct crew *)((char *)t - offsetof(struct crew, again));
	crew->assign();
}

bool
crew_begin(struct crew *crew, int spawner)
{
	crew->again.fire = spawn_again;
	crew->spawner = (struct watch){.fd = spawner, .ready = spawner_ready};
	return loop_add(&crew->spawner, EPOLLIN);
}
