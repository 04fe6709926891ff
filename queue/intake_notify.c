#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/ipc/loop.h"
#include "queue/intake.h"
#include "queue/journal_line.h"
#include "queue/offer.h"

#define END_PATIENCE 10000 /* ms for emptying the journal; the next manager waits longer for the lock */

struct news {
	const char *verb;
	uint64_t   *ids; /* not yet told, oldest first */
	size_t      count, room;
};

enum { COMMITTED, OFFERED, HURRY };

static struct {
	struct watch watch;
	struct news  news[3];
	bool         waiting; /* the socket is full */
} notify = {.news = {[COMMITTED] = {.verb = "committed"}, [OFFERED] = {.verb = "offered"}, [HURRY] = {.verb = "hurry"}}};

static struct packet p;

static size_t
fill_packet(const struct news *news)
{
	size_t n = news->count < INTAKE_IDS_MOST ? news->count : INTAKE_IDS_MOST;
	packet_begin(&p, news->verb);
	for (size_t i = 0; i < n; i++)
		packet_add_number(&p, news->ids[i]);
	return n;
}

/* False: the socket is full. */
static bool
send_news(struct news *news)
{
	while (news->count > 0) {
		size_t n = fill_packet(news);
		if (packet_send(notify.watch.fd, &p) != PACKET_OK)
			return false;
		news->count -= n;
		for (size_t i = 0; i < news->count; i++)
			news->ids[i] = news->ids[i + n];
	}
	return true;
}

/* Tells as much as the socket takes. */
static void
send_some(void)
{
	bool full = !send_news(&notify.news[COMMITTED]) || !send_news(&notify.news[OFFERED]) || !send_news(&notify.news[HURRY]);
	if (full != notify.waiting && loop_change(&notify.watch, full ? EPOLLIN | EPOLLOUT : EPOLLIN))
		notify.waiting = full;
}

static void
end(void)
{
	exit(EXIT_SUCCESS);
}

static void
too_slow(struct timer *t)
{
	(void)t;
	/* The next start empties the journal. */
	end();
}

static struct timer patience = {.fire = too_slow};

/* What is under way was not answered. The next intake begins after this one is gone. */
static void
manager_gone(void)
{
	log_info("manager-gone");
	loop_remove(&notify.watch);
	if (!timer_set(&patience, END_PATIENCE))
		end();
	journal_line_end(end);
}

/* What became of an offer. */
static void
manager_answered(void)
{
	uint64_t id;
	bool ended = strcmp(packet_verb(&p), "ended") == 0;
	if (packet_field_number(&p, UINT64_MAX, &id))
		offer_answered(id, ended);
	packet_close_descriptors(&p);
}

static void
manager_ready(struct watch *w, uint32_t events)
{
	if ((events & EPOLLIN) != 0) {
		enum packet_result r = packet_receive(w->fd, &p);
		if (r == PACKET_END || r == PACKET_ERROR || r == PACKET_BAD) {
			manager_gone();
			return;
		}
		if (r == PACKET_OK)
			manager_answered();
	} else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
		manager_gone();
		return;
	}
	if ((events & EPOLLOUT) != 0)
		send_some();
}

bool
intake_notify_begin(int manager)
{
	notify.watch = (struct watch){.fd = manager, .ready = manager_ready};
	return loop_add(&notify.watch, EPOLLIN);
}

static bool
remember(struct news *news, uint64_t id)
{
	if (news->count == news->room) {
		size_t room = news->room == 0 ? 64 : news->room * 2;
		uint64_t *ids = reallocarray(news->ids, room, sizeof *ids);
		if (ids == NULL)
			return false;
		news->ids = ids;
		news->room = room;
	}
	news->ids[news->count++] = id;
	return true;
}

void
intake_notify(uint64_t id)
{
	if (!remember(&notify.news[COMMITTED], id)) {
		/* It is safe on the disk; a new manager will find it. */
		log_error("out-of-memory", log_text("hint", "starting anew, to find the message on the disk"));
		exit(EXIT_FAILURE);
	}
	if (!notify.waiting)
		send_some();
}

bool
intake_notify_offer(uint64_t id)
{
	if (!remember(&notify.news[OFFERED], id))
		return false;
	if (!notify.waiting)
		send_some();
	return true;
}

void
intake_notify_hurry(uint64_t id)
{
	/* Without memory it is tried when its time comes. */
	if (remember(&notify.news[HURRY], id) && !notify.waiting)
		send_some();
}
