/*
 * Deliver workers (lib/ipc/crew.h) as the queue has them. Started when there is
 * work and none is idle, kept for the next. When all are at work, each gets more,
 * CREW_JOBS at most: those that wait at its socket it delivers together, for the
 * syncs of one. Jobs stand in the lines of their mailboxes (destination.h), and
 * those of one mailbox go to one worker where they can, so that one that hangs
 * holds a worker or two, what waits there, and no more.
 */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "queue/destination.h"
#include "queue/manager.h"
#include "queue/places.h"
#include "queue/workers.h"

static struct {
	struct crew    crew;
	bool           assigning;
	struct traffic traffic;
} local;

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
job_ended(void *job, const struct outcome *o, const char *why)
{
	struct delivery *d = end_job(job);
	if (o != NULL)
		delivery_ended(d, o);
	else
		delivery_interrupted(d, why);
}

static const char *
job_name(const void *job)
{
	const struct group *g = job;
	return g->message->name;
}

static void
build_job(struct packet *p, const void *job)
{
	const struct group *g = job;
	const struct delivery *d = g->members[0];
	const struct queue_file *f = &d->message->file;
	const struct file_recipient *r = delivery_recipient(d);
	packet_add_text(p, d->message->name);
	packet_add(p, f->sender);
	packet_add(p, r->address);
	packet_add(p, queue_file_original(f, r)->address);
	packet_add_number(p, f->header_size);
	packet_add_number(p, f->message_size);
	packet_add_descriptor(p, d->message->fd);
}

/* --- jobs ----------------------------------------------------------------------------- */

static void
assign_jobs(void)
{
	struct crew_worker *w;
	struct group *g;
	if (local.assigning)
		return;
	local.assigning = true;
	while (!manager.draining && (w = workers_free(&local.crew)) != NULL && (g = destination_next(&local.traffic, clock_ms())) != NULL)
		crew_give(workers_for(&local.crew, g, w), g);
	if (!manager.draining && workers_free(&local.crew) == NULL && destination_is_ready(&local.traffic, clock_ms()))
		crew_spawn(&local.crew);
	local.assigning = false;
}

/* No worker could be started and none is there: what waits is deferred. */
static void
no_worker(void)
{
	struct group *g;
	while (local.crew.count == 0 && (g = destination_take(&local.traffic)) != NULL) {
		struct delivery *d = g->members[0];
		free(g);
		delivery_interrupted(d, "the delivery program could not be started");
	}
}

static void
spawner_lost(void)
{
	manager_drain("the spawner ended");
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

bool
local_begin(int spawner)
{
	unsigned each = (unsigned)manager.settings->mailbox_concurrency;
	local.traffic = (struct traffic){
	    .rules = {.first = each, .most = each, .failures = 1, .pause = 0},
	    .places = (size_t)manager.settings->deliver_workers * CREW_JOBS,
	};
	local.crew = (struct crew){.most = (size_t)manager.settings->deliver_workers, .build = build_job, .name = job_name,
	    .ended = job_ended, .assign = assign_jobs, .failed = no_worker, .lost = spawner_lost};
	return crew_begin(&local.crew, spawner);
}
