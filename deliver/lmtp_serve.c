#include "deliver/lmtp_serve.h"

#include <string.h>

#include "deliver/group.h"
#include "deliver/lmtp_lines.h"
#include "deliver/lmtp_services.h"
#include "deliver/request.h"
#include "lib/base/log.h"
#include "lib/ipc/crew.h"
#include "lib/ipc/server.h"

#define REQUEST_MOST   4096  /* bytes: an envelope's addresses are far from it */
#define DRAIN_PATIENCE 10000 /* ms */

_Static_assert(CREW_JOBS == GROUP_MOST, "a worker is given what it delivers together");

static struct service service;
static struct crew    crew;
static struct timer   drained;
static bool           draining;
static struct packet  answer;

/* --- the workers ------------------------------------------------------------------------------ */

static void
build_job(struct packet *p, const void *job)
{
	const struct lmtp_job *j = job;
	packet_add_rest(p, j->rest);
	packet_add_descriptor(p, j->message);
}

static const char *
job_name(const void *job)
{
	const struct lmtp_job *j = job;
	return j->id;
}

static void
job_ended(void *job, const struct outcome *o, const char *why)
{
	struct lmtp_job *j = job;
	const struct outcome unknown = outcome_make("4.3.0", "%s", why != NULL ? why : "");
	packet_begin(&answer, "result");
	packet_add_text(&answer, j->tag);
	packet_add_outcome(&answer, o != NULL ? o : &unknown);
	if (j->peer != NULL)
		connection_send(&j->peer->connection, &answer);
	lmtp_lines_done(j);
}

/* An idle one, or NULL. Many at work at a time are better than large groups: the journal makes one commit of syncs that come together. */
static struct crew_worker *
free_worker(void)
{
	for (size_t i = 0; i < crew.count; i++)
		if (crew.workers[i]->count == 0)
			return crew.workers[i];
	return NULL;
}

/* As much as it delivers together. False: there is nothing that it may have. */
static bool
give_group(struct crew_worker *w)
{
	uint64_t bytes = 0;
	size_t given = 0;
	struct lmtp_job *j;
	while (given < CREW_JOBS && bytes < GROUP_BYTES && (j = lmtp_lines_next(w)) != NULL) {
		bytes += j->size;
		given++;
		if (!crew_give(w, j))
			break;
	}
	return given > 0;
}

static size_t
under_way(void)
{
	size_t count = 0;
	for (size_t i = 0; i < crew.count; i++)
		count += crew.workers[i]->count;
	return count;
}

static void
assign(void)
{
	struct crew_worker *w = NULL;
	if (draining && under_way() == 0)
		loop_stop();
	while (!draining && lmtp_lines_wait() && (w = free_worker()) != NULL && give_group(w))
		;
	if (!draining && lmtp_lines_wait() && w == NULL)
		crew_spawn(&crew);
}

/* Those who wait are told that it is temporary, by the end of their conversations. */
static void
no_worker(void)
{
	for (struct connection *c = service.first; crew.count == 0 && c != NULL; c = c->next)
		if (((struct lmtp_peer *)c)->waiting > 0)
			connection_close(c);
}

static void
spawner_lost(void)
{
	log_error("spawner-lost", log_text("hint", "the supervisor starts postern-lmtp anew"));
	lmtp_serve_drain();
}

/* --- the peers -------------------------------------------------------------------------------- */

/* Recipients of one message come one behind the other: the worker that has the first may still be writing. */
static void
give_further(struct lmtp_peer *peer)
{
	struct lmtp_job *j;
	struct crew_worker *w = peer->worker;
	while (!draining && peer->given > 0 && w->count < CREW_JOBS && (j = lmtp_lines_further(peer)) != NULL)
		if (!crew_give(w, j))
			return;
}

static bool
take_request(struct connection *c, struct packet *p)
{
	struct lmtp_peer *peer = (struct lmtp_peer *)c;
	struct delivery what;
	const char *tag;
	if (p->len > REQUEST_MOST || peer->waiting + peer->given >= LMTP_AHEAD || !request_read(p, &tag, &what))
		return false;
	struct slice fields = slice_from(slice_make(p->data, p->len), (size_t)(tag - p->data));
	if (!lmtp_lines_add(peer, fields, what.address, what.message, what.length != UINT64_MAX ? what.length : 0)) {
		log_error("no-memory", log_text("message", what.id));
		connection_close(c);
	}
	give_further(peer);
	assign();
	return true;
}

static void
peer_left(struct connection *c)
{
	struct lmtp_peer *peer = (struct lmtp_peer *)c;
	const struct crew_worker *w = peer->given > 0 ? peer->worker : NULL;
	lmtp_lines_leave(peer, w != NULL ? w->jobs : NULL, w != NULL ? w->count : 0);
}

/* --- beginning and end ------------------------------------------------------------------------ */

static void
end_loop(struct timer *t)
{
	(void)t;
	loop_stop();
}

void
lmtp_serve_drain(void)
{
	draining = true;
	timer_set(&drained, DRAIN_PATIENCE);
	assign();
}

bool
lmtp_serve_begin(int spawner, uint64_t workers)
{
	service = (struct service){.name = "lmtp/deliver", .connection_size = sizeof(struct lmtp_peer), .request = take_request,
	    .closed = peer_left};
	crew = (struct crew){.most = (size_t)workers, .build = build_job, .name = job_name, .ended = job_ended, .assign = assign,
	    .failed = no_worker, .lost = spawner_lost};
	drained.fire = end_loop;
	peers_add(&service.peers, "postern-lmtpd");
	if (crew_begin(&crew, spawner))
		return service_start(&service);
	log_error("not-started", log_errno());
	return false;
}
