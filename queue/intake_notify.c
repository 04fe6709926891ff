#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/ipc/loop.h"
#include "queue/intake.h"

#define IDS_A_PACKET 1024

static struct {
	struct watch watch;
	uint64_t    *ids; /* not yet told, oldest first */
	size_t       count, room;
	bool         waiting; /* the socket is full */
} notify;

static struct packet p;

static size_t
fill_packet(void)
{
	size_t n = notify.count < IDS_A_PACKET ? notify.count : IDS_A_PACKET;
	packet_begin(&p, "committed");
	for (size_t i = 0; i < n; i++)
		packet_add_number(&p, notify.ids[i]);
	return n;
}

/* Tells as much as the socket takes. */
static void
send_some(void)
{
	while (notify.count > 0) {
		size_t n = fill_packet();
		if (packet_send(notify.watch.fd, &p) != PACKET_OK)
			break;
		notify.count -= n;
		for (size_t i = 0; i < notify.count; i++)
			notify.ids[i] = notify.ids[i + n];
	}
	bool full = notify.count > 0;
	if (full != notify.waiting && loop_change(&notify.watch, full ? EPOLLIN | EPOLLOUT : EPOLLIN))
		notify.waiting = full;
}

static void
manager_ready(struct watch *w, uint32_t events)
{
	if ((events & EPOLLIN) != 0) {
		enum packet_result r = packet_receive(w->fd, &p);
		packet_close_descriptors(&p);
		if (r == PACKET_END || r == PACKET_ERROR || r == PACKET_BAD) {
			/* What is under way was not answered; the next intake begins after this one is gone. */
			log_info("manager-gone");
			exit(EXIT_SUCCESS);
		}
	} else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
		exit(EXIT_SUCCESS);
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
remember(uint64_t id)
{
	if (notify.count == notify.room) {
		size_t room = notify.room == 0 ? 64 : notify.room * 2;
		uint64_t *ids = reallocarray(notify.ids, room, sizeof *ids);
		if (ids == NULL)
			return false;
		notify.ids = ids;
		notify.room = room;
	}
	notify.ids[notify.count++] = id;
	return true;
}

void
intake_notify(uint64_t id)
{
	if (!remember(id)) {
		/* It is safe on the disk; a new manager will find it. */
		log_error("out-of-memory", log_text("hint", "starting anew, to find the message on the disk"));
		exit(EXIT_FAILURE);
	}
	if (!notify.waiting)
		send_some();
}
