#include "queue/channel.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/ipc/socket.h"
#include "queue/manager.h"
#include "queue/outward_keys.h"
#include "queue/transaction.h"

#define SERVICE     "remote/send"
#define KEYS_MOST   4096
#define JOB_TIMEOUT 3600000 /* ms: beyond what postern-remote's own timeouts add up to */
#define IDLE_MOST   10000   /* ms: one that has had nothing to do is closed, and with it remote's session */

struct channel {
	struct watch  watch; /* fd -1: not connected */
	struct timer  limit; /* of the job, or of being idle */
	struct group *job;
	uint32_t      tag;   /* of the destination that it served last */
	int64_t       since; /* when that was */
};

static struct channel *channels; /* remote_concurrency of them */
static uint64_t        last_tag;
static struct packet   in;

static struct group *
disconnect(struct channel *c)
{
	struct group *g = c->job;
	timer_cancel(&c->limit);
	loop_remove(&c->watch);
	close(c->watch.fd);
	c->watch.fd = -1;
	c->job = NULL;
	c->tag = 0;
	return g;
}

static void
lose(struct channel *c, const char *why)
{
	if (c->job != NULL)
		log_warning("remote-lost", log_text("queue", c->job->message->name), log_text("reason", why));
	struct group *g = disconnect(c);
	if (g != NULL)
		outward_answered(g, NULL);
}

static void
time_over(struct timer *t)
{
	struct channel *c = (struct channel *)((char *)t - offsetof(struct channel, limit));
	lose(c, "no answer in time");
}

static bool
read_results(struct packet *p, size_t count, struct outcome *outcomes)
{
	if (strcmp(packet_verb(p), "result") != 0 || packet_field(p) == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!packet_field_outcome(p, &outcomes[i]))
			return false;
	return true;
}

static void
channel_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	static struct outcome outcomes[TRANSACTION_RECIPIENTS_MOST];
	struct channel *c = (struct channel *)watch;
	enum packet_result r = packet_receive(watch->fd, &in);
	if (r == PACKET_WAIT)
		return;
	packet_close_descriptors(&in);
	if (r != PACKET_OK || c->job == NULL) {
		lose(c, r == PACKET_OK ? "an answer to nothing" : "it ended");
		return;
	}
	if (!read_results(&in, c->job->count, outcomes)) {
		lose(c, "it does not keep to the protocol");
		return;
	}
	struct group *g = c->job;
	c->job = NULL;
	c->since = clock_ms();
	timer_set(&c->limit, IDLE_MOST);
	outward_answered(g, outcomes);
}

static bool
connect_channel(struct channel *c)
{
	if (c->watch.fd >= 0)
		return true;
	int fd = socket_connect(SERVICE, 0);
	if (fd < 0)
		return false;
	c->watch = (struct watch){.fd = fd, .ready = channel_ready};
	c->limit.fire = time_over;
	if (loop_add(&c->watch, EPOLLIN))
		return true;
	close(fd);
	c->watch.fd = -1;
	return false;
}

static void
build_request(struct packet *p, const struct group *g)
{
	static struct str keys = STR_MOST(KEYS_MOST);
	const struct queue_file *f = &g->message->file;
	packet_begin(p, "send");
	packet_add_number(p, ++last_tag);
	packet_add_text(p, g->message->name);
	packet_add(p, g->members[0]->sender != NULL ? slice_of(g->members[0]->sender) : f->sender);
	packet_add_text(p, g->members[0]->transport);
	packet_add_number(p, f->header_size);
	packet_add_number(p, f->message_size);
	outward_message_keys(&keys, f);
	packet_add(p, str_slice(&keys));
	for (size_t i = 0; i < g->count; i++) {
		packet_add(p, delivery_recipient(g->members[i])->address);
		outward_recipient_keys(&keys, f, delivery_recipient(g->members[i]));
		packet_add(p, str_slice(&keys));
	}
	packet_add_descriptor(p, g->message->fd);
}

static bool
make_channels(void)
{
	if (channels != NULL)
		return true;
	channels = calloc(manager.settings->remote_concurrency, sizeof *channels);
	for (size_t i = 0; channels != NULL && i < manager.settings->remote_concurrency; i++)
		channels[i].watch.fd = -1;
	return channels != NULL;
}

/* The one that served this destination last; else one that is to be opened; else the one that has been idle longest. */
static struct channel *
idle_channel(uint32_t tag)
{
	struct channel *closed = NULL, *oldest = NULL;
	for (size_t i = 0; i < manager.settings->remote_concurrency; i++) {
		struct channel *c = &channels[i];
		if (c->job != NULL)
			continue;
		if (c->watch.fd < 0)
			closed = c;
		else if (c->tag == tag)
			return c;
		else if (oldest == NULL || c->since < oldest->since)
			oldest = c;
	}
	return closed != NULL ? closed : oldest;
}

bool
channel_send(struct group *g)
{
	struct channel *c = make_channels() ? idle_channel(g->destination->tag) : NULL;
	if (c == NULL || !connect_channel(c)) {
		log_warning("remote-away", log_errno(), log_text("hint", "is postern-remote running?"));
		return false;
	}
	build_request(&manager.out, g);
	if (packet_send(c->watch.fd, &manager.out) != PACKET_OK) {
		disconnect(c);
		return false;
	}
	c->job = g;
	c->tag = g->destination->tag;
	timer_set(&c->limit, JOB_TIMEOUT);
	return true;
}
