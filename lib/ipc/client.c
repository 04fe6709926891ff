#include "lib/ipc/client.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/ipc/socket.h"

#define RECONNECT_EVERY 200 /* ms */
/*
 * Questions that are sent and not answered. More are held back here: a service
 * closes a peer whose socket is full of answers that he does not take.
 */
#define UNDER_WAY_MOST 64
/* Of questions that nobody will answer so many are ended in a turn of the loop: their askers may ask again at once. */
#define EXPIRE_MOST 64

struct question {
	struct question *next, *previous;
	uint64_t         tag;
	int64_t          deadline;
	answer_handler  *handler; /* NULL: forgotten */
	void            *context;
	bool             sent;
	size_t           len;
	char             data[]; /* the packet, when it was held back */
};

static struct packet answer;
static struct packet released;

static struct client *
client_of_timer(struct timer *t)
{
	return (struct client *)((char *)t - offsetof(struct client, expiry));
}

static void
unlink_question(struct client *c, struct question *q)
{
	if (c->first_held == q)
		c->first_held = q->next;
	if (q->sent)
		c->under_way--;
	if (q->previous != NULL)
		q->previous->next = q->next;
	else
		c->first = q->next;
	if (q->next != NULL)
		q->next->previous = q->previous;
	else
		c->last = q->previous;
}

/* Takes the question out and tells its asker. */
static void
finish(struct client *c, struct question *q, const char *status, struct packet *p)
{
	unlink_question(c, q);
	answer_handler *handler = q->handler;
	void *context = q->context;
	free(q);
	if (handler != NULL)
		handler(context, status, p);
}

static void
disconnect(struct client *c)
{
	if (!c->connected)
		return;
	loop_remove(&c->watch);
	close(c->watch.fd);
	c->connected = false;
	c->not_before = clock_ms() + RECONNECT_EVERY;
	/* Whoever waited is told by the timer, not within the caller's call. */
	for (struct question *q = c->first; q != NULL; q = q->next)
		q->deadline = 0;
	timer_set(&c->expiry, 0);
}

static bool
send_question(struct client *c, struct question *q, const struct packet *p)
{
	q->sent = packet_send(c->watch.fd, p) == PACKET_OK;
	if (q->sent)
		c->under_way++;
	return q->sent;
}

/* Sends what was held back as far as there is room. */
static void
release_questions(struct client *c)
{
	while (c->connected && c->first_held != NULL && c->under_way < UNDER_WAY_MOST) {
		struct question *q = c->first_held;
		packet_begin(&released, "");
		memcpy(released.data, q->data, q->len);
		released.len = q->len;
		if (!send_question(c, q, &released)) {
			disconnect(c);
			return;
		}
		c->first_held = q->next;
	}
}

/* Gives up the questions whose time is over; questions are in the order of their deadlines. */
static void
expire(struct timer *t)
{
	struct client *c = client_of_timer(t);
	int64_t now = clock_ms();
	bool lost = false;
	for (int i = 0; i < EXPIRE_MOST && c->first != NULL && c->first->deadline <= now; i++) {
		lost = lost || c->first->deadline != 0;
		finish(c, c->first, NULL, NULL);
	}
	if (lost)
		log_warning("no-answer", log_text("socket", c->service), log_text("hint", "is that service running?"));
	release_questions(c);
	if (c->first != NULL)
		timer_set(&c->expiry, c->first->deadline > now ? c->first->deadline - now : 0);
}

static struct question *
find_question(const struct client *c, uint64_t tag)
{
	struct question *q = c->first;
	while (q != NULL && q->tag != tag)
		q = q->next;
	return q;
}

static void
client_ready(struct watch *w, uint32_t events)
{
	(void)events;
	struct client *c = (struct client *)((char *)w - offsetof(struct client, watch));
	enum packet_result r = packet_receive(w->fd, &answer);
	if (r == PACKET_WAIT)
		return;
	if (r != PACKET_OK) {
		log_warning("service-lost", log_text("socket", c->service));
		disconnect(c);
		return;
	}
	const char *status = packet_verb(&answer);
	uint64_t tag;
	if (!packet_field_number(&answer, UINT64_MAX, &tag)) {
		log_warning("answer-malformed", log_text("socket", c->service));
		disconnect(c);
	} else {
		/* An answer to a question that expired finds nobody: it is dropped. */
		struct question *q = find_question(c, tag);
		if (q != NULL)
			finish(c, q, status, &answer);
		release_questions(c);
	}
	packet_close_descriptors(&answer);
}

static bool
connect_now(struct client *c)
{
	if (c->connected)
		return true;
	if (clock_ms() < c->not_before)
		return false;
	int fd = socket_connect(c->service, 0);
	if (fd >= 0) {
		c->watch = (struct watch){.fd = fd, .ready = client_ready};
		c->connected = loop_add(&c->watch, EPOLLIN);
		if (c->connected)
			return true;
		close(fd);
	}
	log_warning("service-away", log_text("socket", c->service), log_errno());
	c->not_before = clock_ms() + RECONNECT_EVERY;
	return false;
}

void
client_begin(struct client *c, struct packet *p, const char *verb)
{
	packet_begin(p, verb);
	packet_add_number(p, ++c->last_tag);
}

static void
append_question(struct client *c, struct question *q)
{
	q->previous = c->last;
	if (c->last != NULL)
		c->last->next = q;
	else
		c->first = q;
	c->last = q;
}

static void
prepend_question(struct client *c, struct question *q)
{
	q->next = c->first;
	if (c->first != NULL)
		c->first->previous = q;
	else
		c->last = q;
	c->first = q;
}

/* A packet with descriptors is never held back: they are the caller's to close. */
static struct question *
new_question(const struct client *c, const struct packet *p, bool held)
{
	struct question *q = calloc(1, sizeof *q + (held ? p->len : 0));
	if (q == NULL)
		return NULL;
	q->tag = c->last_tag;
	q->deadline = clock_ms() + c->timeout;
	if (held) {
		q->len = p->len;
		memcpy(q->data, p->data, p->len);
	}
	return q;
}

struct question *
client_ask(struct client *c, const struct packet *p, answer_handler *handler, void *context)
{
	bool held = c->connected && !p->failed && p->descriptor_count == 0 &&
	    (c->first_held != NULL || c->under_way >= UNDER_WAY_MOST);
	struct question *q = new_question(c, p, held);
	if (q == NULL)
		return NULL;
	c->expiry.fire = expire;
	q->handler = handler;
	q->context = context;
	if (held || (connect_now(c) && send_question(c, q, p))) {
		append_question(c, q);
		if (held && c->first_held == NULL)
			c->first_held = q;
		if (c->expiry.place == 0)
			timer_set(&c->expiry, c->timeout);
		return q;
	}
	/* It fails alone and soon; those before it may still be answered. */
	q->deadline = 0;
	prepend_question(c, q);
	timer_set(&c->expiry, 0);
	return q;
}

void
client_forget(struct client *c, struct question *q)
{
	(void)c;
	q->handler = NULL;
}

void
client_close(struct client *c)
{
	if (c->connected) {
		loop_remove(&c->watch);
		close(c->watch.fd);
		c->connected = false;
	}
	timer_cancel(&c->expiry);
	while (c->first != NULL) {
		struct question *q = c->first;
		unlink_question(c, q);
		free(q);
	}
}
