#include "lib/ipc/server.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"

#define MOST_DEFAULT 4096
#define ACCEPT_BATCH 16
#define ACCEPT_AGAIN 500 /* ms */

static struct packet      incoming; /* one is enough: a request is handled before the next is read */
static struct connection *closing_first;
static struct timer       reaper;

static void
pause_accepting(struct service *s, bool pause)
{
	if (s->paused == pause)
		return;
	s->paused = pause;
	loop_change(&s->watch, pause ? 0 : EPOLLIN);
}

static void
link_connection(struct service *s, struct connection *c)
{
	c->next = s->first;
	if (s->first != NULL)
		s->first->previous = c;
	s->first = c;
	s->count++;
}

static void
unlink_connection(struct service *s, struct connection *c)
{
	if (c->previous != NULL)
		c->previous->next = c->next;
	else
		s->first = c->next;
	if (c->next != NULL)
		c->next->previous = c->previous;
	s->count--;
}

/* Frees what was closed, after the events of this turn were handled. */
static void
reap(struct timer *t)
{
	(void)t;
	while (closing_first != NULL) {
		struct connection *c = closing_first;
		struct service *s = c->service;
		closing_first = c->next_closing;
		if (s->closed != NULL)
			s->closed(c);
		close(c->watch.fd);
		unlink_connection(s, c);
		free(c);
		pause_accepting(s, false);
	}
}

void
connection_close(struct connection *c)
{
	if (c->closing)
		return;
	c->closing = true;
	loop_remove(&c->watch);
	c->next_closing = closing_first;
	closing_first = c;
	timer_set(&reaper, 0);
}

void
connection_send(struct connection *c, const struct packet *p)
{
	if (c->closing)
		return;
	enum packet_result r = packet_send(c->watch.fd, p);
	if (r == PACKET_OK)
		return;
	if (r != PACKET_END)
		log_warning("answer-not-sent", log_text("socket", c->service->name),
		    log_text("reason", r == PACKET_WAIT ? "the peer does not take its answers" : "the packet is too large or the socket failed"));
	connection_close(c);
}

static void
refuse(struct connection *c, const char *why)
{
	log_warning("packet-refused", log_text("socket", c->service->name), log_text("reason", why));
	connection_close(c);
}

static void
connection_ready(struct watch *w, uint32_t events)
{
	struct connection *c = (struct connection *)w;
	if (c->service->ready != NULL) {
		c->service->ready(c, events);
		return;
	}
	switch (packet_receive(w->fd, &incoming)) {
	case PACKET_OK:
		if (!c->service->request(c, &incoming))
			refuse(c, "malformed or out of turn");
		packet_close_descriptors(&incoming);
		return;
	case PACKET_WAIT:
		return;
	case PACKET_BAD:
		refuse(c, "longer than a packet may be");
		return;
	default:
		connection_close(c);
	}
}

/* A service that everybody may use is not to be held by one of them. */
static bool
has_his_share(const struct service *s, const struct connection *c)
{
	size_t count = 0;
	if (s->most_per_user == 0 || c->uid == 0 || c->uid == geteuid())
		return false;
	for (const struct connection *other = s->first; other != NULL; other = other->next)
		count += other->uid == c->uid;
	if (count < s->most_per_user)
		return false;
	log_warning("too-many-connections", log_text("socket", s->name), log_number("uid", (int64_t)c->uid));
	return true;
}

static bool
admit(const struct service *s, struct connection *c, int fd)
{
	struct ucred who;
	socklen_t len = sizeof who;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	c->uid = who.uid;
	return peers_allow(&s->peers, fd, s->name) && !has_his_share(s, c);
}

static void
take_connection(struct service *s, int fd)
{
	struct connection *c = calloc(1, s->connection_size != 0 ? s->connection_size : sizeof *c);
	if (c == NULL || !admit(s, c, fd)) {
		free(c);
		close(fd);
		return;
	}
	c->service = s;
	c->watch = (struct watch){.fd = fd, .ready = connection_ready};
	if (!loop_add(&c->watch, EPOLLIN)) {
		free(c);
		close(fd);
		return;
	}
	link_connection(s, c);
	if (s->opened != NULL && !s->opened(c))
		connection_close(c);
}

static void
accept_again(struct timer *t)
{
	pause_accepting((struct service *)((char *)t - offsetof(struct service, again)), false);
}

/* Who waits stays in the backlog: the loop would turn for nothing until there is a descriptor. */
static void
accept_failed(struct service *s)
{
	log_warning("accept-failed", log_text("socket", s->name), log_errno());
	s->again.fire = accept_again;
	if (timer_set(&s->again, ACCEPT_AGAIN))
		pause_accepting(s, true);
}

static void
service_ready(struct watch *w, uint32_t events)
{
	(void)events;
	struct service *s = (struct service *)((char *)w - offsetof(struct service, watch));
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		if (s->count >= (s->most != 0 ? s->most : MOST_DEFAULT)) {
			pause_accepting(s, true);
			return;
		}
		int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			take_connection(s, fd);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			accept_failed(s);
		return;
	}
}

bool
service_start_on(struct service *s, int listening)
{
	reaper.fire = reap;
	s->watch = (struct watch){.fd = listening, .ready = service_ready};
	if (loop_add(&s->watch, EPOLLIN))
		return true;
	log_error("service-start-failed", log_text("socket", s->name), log_errno());
	return false;
}

bool
service_start(struct service *s)
{
	int fd = socket_listen(s->name);
	return fd >= 0 && service_start_on(s, fd);
}
