/*
 * Deliver workers: each is a postern-deliver at the other end of a pair that
 * the spawner has made. Started when there is work and none is idle, kept for
 * the next. When all are at work, each gets more, WORKER_JOBS at most: those
 * that wait at its socket it delivers together, for the syncs of one. They are
 * answered in order. Jobs stand in the lines of their mailboxes
 * (destination.h), and those of one mailbox go to one worker where they can, so
 * that one that hangs holds a worker or two, what waits there, and no more.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/destination.h"
#include "queue/manager.h"
#include "queue/places.h"
#include "queue/workers.h"

#define SPAWN_AGAIN 1000   /* ms after a spawn that failed */
#define JOB_TIMEOUT 600000 /* ms: a worker that takes longer is given up */

static struct {
	struct watch    spawner;
	struct timer    again;
	struct workers  all;
	bool            spawning;
	bool            assigning;
	struct traffic  traffic;
} local;

static struct packet in;

static void assign_jobs(void);

/* The mailbox has its worker back. Frees `g`; what becomes of the recipient is for the caller to say. */
static struct delivery *
end_job(struct group *g)
{
	struct delivery *d = g->members[0];
	struct group *line;
	uint32_t tag = g->destination->tag;
	destination_served(g->destination, SERVED_NOT, NULL, clock_ms(), &line);
	places_call(tag);
	free(g);
	return d;
}

static void
drop_worker(struct worker *w)
{
	timer_cancel(&w->limit);
	loop_remove(&w->watch);
	close(w->watch.fd);
	for (size_t i = 0; i < local.all.count; i++)
		if (local.all.workers[i] == w)
			local.all.workers[i] = local.all.workers[--local.all.count];
	if (!w->used) {
		log_error("deliver-died", log_text("hint", "postern-deliver must be installed setuid vmail (conf/install)"));
		timer_set(&local.again, SPAWN_AGAIN);
	}
	for (size_t i = 0; i < w->count; i++)
		delivery_interrupted(end_job(w->jobs[i]), "the delivery was interrupted");
	free(w);
}

/* For the log: of the job that is under way for sure. */
static const char *
first_name(const struct worker *w)
{
	return w->count > 0 ? w->jobs[0]->message->name : "";
}

static void
worker_too_slow(struct timer *t)
{
	struct worker *w = (struct worker *)((char *)t - offsetof(struct worker, limit));
	log_error("deliver-too-slow", log_text("queue", first_name(w)));
	drop_worker(w);
	assign_jobs();
}

static bool
read_result(struct packet *p, const struct worker *w, struct outcome *o)
{
	uint64_t tag;
	return w->count > 0 && strcmp(packet_verb(p), "result") == 0 && packet_field_number(p, UINT64_MAX, &tag) && tag == w->tag &&
	    packet_field_outcome(p, o);
}

static void
worker_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	struct worker *w = (struct worker *)watch;
	enum packet_result r = packet_receive(watch->fd, &in);
	if (r == PACKET_WAIT)
		return;
	packet_close_descriptors(&in);
	struct outcome o;
	if (r != PACKET_OK || !read_result(&in, w, &o)) {
		if (w->used || r == PACKET_OK)
			log_warning("deliver-lost", log_text("queue", first_name(w)), log_text("reason", r == PACKET_OK ? "it does not keep to the protocol" : "it ended"));
		drop_worker(w);
		assign_jobs();
		return;
	}
	struct group *g = worker_take_first(w);
	timer_cancel(&w->limit);
	if (w->count > 0)
		timer_set(&w->limit, JOB_TIMEOUT); /* it has as long for the next */
	delivery_ended(end_job(g), &o);
	assign_jobs();
}

/* --- jobs ----------------------------------------------------------------------------- */

static void
build_job(struct packet *p, uint64_t tag, const struct delivery *d)
{
	const struct queue_file *f = &d->message->file;
	const struct file_recipient *r = delivery_recipient(d);
	packet_begin(p, "deliver");
	packet_add_number(p, tag);
	packet_add_text(p, d->message->name);
	packet_add(p, f->sender);
	packet_add(p, r->address);
	packet_add(p, queue_file_original(f, r)->address);
	packet_add_number(p, f->header_size);
	packet_add_number(p, f->message_size);
	packet_add_descriptor(p, d->message->fd);
}

static void
spawn(void)
{
	if (local.spawning || local.again.place != 0 || local.all.count >= manager.settings->deliver_workers)
		return;
	packet_begin(&manager.out, "spawn");
	local.spawning = packet_send(local.spawner.fd, &manager.out) == PACKET_OK;
}

static void
give(struct worker *w, struct group *g)
{
	build_job(&manager.out, w->tag + w->count, g->members[0]);
	enum packet_result r = packet_send(w->watch.fd, &manager.out);
	if (r == PACKET_WAIT && w->count > 0) {
		/* The kernel has no room for it just now; the worker is well. */
		delivery_interrupted(end_job(g), "too many deliveries at a time");
		return;
	}
	w->jobs[w->count++] = g;
	if (r != PACKET_OK)
		drop_worker(w);
	else if (w->count == 1)
		timer_set(&w->limit, JOB_TIMEOUT);
}

static struct worker *
free_worker(void)
{
	return workers_free(&local.all, manager.settings->deliver_workers);
}

static void
assign_jobs(void)
{
	struct worker *w;
	struct group *g;
	if (local.assigning)
		return;
	local.assigning = true;
	while (!manager.draining && (w = free_worker()) != NULL && (g = destination_next(&local.traffic, clock_ms())) != NULL)
		give(workers_for(&local.all, g, w), g);
	if (!manager.draining && free_worker() == NULL && destination_is_ready(&local.traffic, clock_ms()))
		spawn();
	local.assigning = false;
}

static void
join(struct destination *mailbox, struct delivery *d)
{
	struct group *g = malloc(sizeof *g + sizeof *g->members);
	if (g == NULL) {
		destination_leave(mailbox);
		delivery_interrupted(d, "no memory");
		return;
	}
	*g = (struct group){.message = d->message, .count = 1};
	g->members[0] = d;
	destination_join(mailbox, g, false);
	assign_jobs();
}

void
local_deliver(struct delivery *d)
{
	struct destination *mailbox = destination_of(&local.traffic, delivery_recipient(d)->address);
	if (mailbox == NULL) {
		delivery_interrupted(d, "no memory");
		return;
	}
	message_goes_to(d->message, mailbox->tag);
	if (destination_admits(mailbox, places_left(), clock_ms()) == DESTINATION_OPEN)
		join(mailbox, d);
	else
		delivery_parked(d, mailbox->tag);
}

size_t
local_busy(void)
{
	return local.traffic.busy;
}

/* --- the spawner -------------------------------------------------------------------------- */

static void
add_worker(int fd)
{
	struct worker *w = calloc(1, sizeof *w);
	struct worker **workers = reallocarray(local.all.workers, local.all.count + 1, sizeof *workers);
	if (workers != NULL)
		local.all.workers = workers;
	if (w != NULL)
		*w = (struct worker){.watch = {.fd = fd, .ready = worker_ready}, .limit = {.fire = worker_too_slow}};
	if (w == NULL || workers == NULL || !loop_add(&w->watch, EPOLLIN)) {
		log_error("worker-not-added", log_errno());
		free(w);
		close(fd);
		return;
	}
	local.all.workers[local.all.count++] = w;
}

/* No worker could be started and none is there: what waits is deferred. */
static void
spawn_failed(const char *why)
{
	log_error("deliver-not-started", log_text("reason", why != NULL ? why : "no answer"));
	timer_set(&local.again, SPAWN_AGAIN);
	struct group *g;
	while (local.all.count == 0 && (g = destination_take(&local.traffic)) != NULL) {
		struct delivery *d = g->members[0];
		free(g);
		delivery_interrupted(d, "the delivery program could not be started");
	}
}

static void
spawner_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	enum packet_result r = packet_receive(watch->fd, &in);
	if (r == PACKET_WAIT)
		return;
	if (r != PACKET_OK) {
		loop_remove(watch);
		manager_drain("the spawner ended");
		return;
	}
	local.spawning = false;
	int fd = packet_take_descriptor(&in);
	bool ok = strcmp(packet_verb(&in), "ok") == 0 && fd >= 0;
	if (ok)
		add_worker(fd);
	else
		spawn_failed(packet_field(&in));
	packet_close_descriptors(&in);
	assign_jobs();
}

static void
spawn_again(struct timer *t)
{
	(void)t;
	assign_jobs();
}

bool
local_begin(int spawner)
{
	unsigned each = (unsigned)manager.settings->mailbox_concurrency;
	local.traffic = (struct traffic){
	    .rules = {.first = each, .most = each, .failures = 1, .pause = 0},
	    .places = (size_t)manager.settings->deliver_workers * WORKER_JOBS,
	};
	local.again.fire = spawn_again;
	local.spawner = (struct watch){.fd = spawner, .ready = spawner_ready};
	return loop_add(&local.spawner, EPOLLIN);
}
