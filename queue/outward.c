/*
 * The way to postern-remote: up to remote_concurrency connections to its
 * socket, each with one request at a time. Recipients of one message that go
 * the same way share a request.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/ipc/socket.h"
#include "lib/mail/address.h"
#include "queue/manager.h"
#include "queue/outward_keys.h"

#define SERVICE        "remote/send"
#define ADDRESSES_MOST 50      /* in one request */
#define REQUEST_ROOM   56000   /* bytes of a packet for them and their keys */
#define KEYS_MOST      4096
#define JOB_TIMEOUT    3600000 /* ms: beyond what postern-remote's own timeouts add up to */

/* Recipients of one message that go the same way. */
struct group {
	struct group    *next;
	struct message  *message;
	size_t           count;
	struct delivery *members[ADDRESSES_MOST];
};

struct channel {
	struct watch  watch; /* fd -1: not connected */
	struct timer  limit;
	struct group *job;
};

static struct {
	struct channel *channels; /* remote_concurrency of them */
	size_t          busy;
	struct group   *first, *last;
	uint64_t        tag;
} outward;

static struct packet in;

static void assign_groups(void);

static void
end_group(struct group *g, const struct outcome *outcomes)
{
	for (size_t i = 0; i < g->count; i++) {
		if (outcomes != NULL)
			delivery_ended(g->members[i], &outcomes[i]);
		else
			delivery_interrupted(g->members[i], "sending was interrupted");
	}
	free(g);
}

static struct group *
disconnect(struct channel *c)
{
	struct group *g = c->job;
	timer_cancel(&c->limit);
	loop_remove(&c->watch);
	close(c->watch.fd);
	c->watch.fd = -1;
	c->job = NULL;
	if (g != NULL)
		outward.busy--;
	return g;
}

static void
lose(struct channel *c, const char *why)
{
	log_warning("remote-lost", log_text("queue", c->job != NULL ? c->job->message->name : ""), log_text("reason", why));
	struct group *g = disconnect(c);
	if (g != NULL)
		end_group(g, NULL);
	assign_groups();
}

static void
too_slow(struct timer *t)
{
	lose((struct channel *)((char *)t - offsetof(struct channel, limit)), "no answer in time");
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
	static struct outcome outcomes[ADDRESSES_MOST];
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
	timer_cancel(&c->limit);
	c->job = NULL;
	outward.busy--;
	end_group(g, outcomes);
	assign_groups();
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
	c->limit.fire = too_slow;
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
	packet_add_number(p, ++outward.tag);
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
give(struct channel *c, struct group *g)
{
	if (!connect_channel(c)) {
		log_warning("remote-away", log_errno(), log_text("hint", "is postern-remote running?"));
		return false;
	}
	build_request(&manager.out, g);
	if (packet_send(c->watch.fd, &manager.out) != PACKET_OK) {
		disconnect(c);
		return false;
	}
	c->job = g;
	outward.busy++;
	timer_set(&c->limit, JOB_TIMEOUT);
	return true;
}

/* Connected ones first, so that no more are opened than are needed. */
static struct channel *
idle_channel(void)
{
	struct channel *closed = NULL;
	for (size_t i = 0; i < manager.settings->remote_concurrency; i++) {
		struct channel *c = &outward.channels[i];
		if (c->job == NULL && c->watch.fd >= 0)
			return c;
		if (c->watch.fd < 0 && closed == NULL)
			closed = c;
	}
	return closed;
}

static bool
make_channels(void)
{
	if (outward.channels != NULL)
		return true;
	outward.channels = calloc(manager.settings->remote_concurrency, sizeof *outward.channels);
	for (size_t i = 0; outward.channels != NULL && i < manager.settings->remote_concurrency; i++)
		outward.channels[i].watch.fd = -1;
	return outward.channels != NULL;
}

static void
assign_groups(void)
{
	struct channel *c;
	while (!manager.draining && outward.first != NULL && make_channels() && (c = idle_channel()) != NULL) {
		struct group *g = outward.first;
		outward.first = g->next;
		if (outward.first == NULL)
			outward.last = NULL;
		if (!give(c, g))
			end_group(g, NULL);
	}
}

/* --- grouping ----------------------------------------------------------------------------- */

static struct slice
domain_of(const struct delivery *d)
{
	struct slice address = delivery_recipient(d)->address;
	size_t at = slice_find_last(address, '@');
	return slice_from(address, at < address.len ? at + 1 : at);
}

static bool
same_sender(const struct delivery *a, const struct delivery *b)
{
	if (a->sender == NULL || b->sender == NULL)
		return a->sender == b->sender;
	return strcmp(a->sender, b->sender) == 0;
}

static bool
same_way(const struct delivery *a, const struct delivery *b)
{
	if (strcmp(a->transport, b->transport) != 0 || !same_sender(a, b))
		return false;
	/* A next hop without SMTPUTF8 can have those that do not need it. */
	if (address_is_ascii(delivery_recipient(a)->address) != address_is_ascii(delivery_recipient(b)->address))
		return false;
	return a->transport[0] != '\0' || slice_equal(domain_of(a), domain_of(b));
}

/* Takes the first of the message's list and all that go with it into a group. */
static struct group *
make_group(struct message *m)
{
	struct group *g = calloc(1, sizeof *g);
	if (g == NULL)
		return NULL;
	g->message = m;
	struct delivery **at = &m->outward;
	size_t bytes = 0;
	while (*at != NULL && g->count < ADDRESSES_MOST && bytes < REQUEST_ROOM) {
		struct delivery *d = *at;
		if (g->count > 0 && !same_way(g->members[0], d)) {
			at = &d->next;
			continue;
		}
		*at = d->next;
		d->next = NULL;
		g->members[g->count++] = d;
		bytes += delivery_recipient(d)->address.len + OUTWARD_KEYS_MOST + 2;
	}
	return g;
}

void
outward_deliver(struct message *m)
{
	while (m->outward != NULL) {
		struct group *g = make_group(m);
		if (g == NULL) {
			struct delivery *d = m->outward;
			m->outward = d->next;
			delivery_interrupted(d, "no memory");
			continue;
		}
		if (outward.last != NULL)
			outward.last->next = g;
		else
			outward.first = g;
		outward.last = g;
	}
	assign_groups();
}

size_t
outward_busy(void)
{
	return outward.busy;
}
