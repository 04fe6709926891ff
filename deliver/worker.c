#include "deliver/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver/group.h"
#include "deliver/request.h"
#include "deliver/sieve.h"
#include "lib/base/log.h"

#define ANSWER_TIMEOUT 60000 /* ms for the peer to take an answer */

static struct {
	struct packet packet;
	struct group  group;
	char         *tags[GROUP_MEMBERS]; /* of those that are a delivery of their own */
} worker;

static bool
answer(int socket, const char *tag, const struct outcome *o)
{
	packet_begin(&worker.packet, "result");
	packet_add_text(&worker.packet, tag);
	packet_add_outcome(&worker.packet, o);
	return packet_send_wait(socket, &worker.packet, ANSWER_TIMEOUT) == PACKET_OK;
}

/* Begins the delivery that the packet asks for. False: it is no request. */
static bool
take(struct deliverer *d)
{
	const char *tag;
	struct delivery what;
	struct packet *p = &worker.packet;
	bool ok = request_read(p, &tag, &what);
	if (!ok)
		log_warning("request-malformed", log_text("verb", packet_verb(p)));
	packet_close_descriptors(p);
	if (!ok)
		return false;
	char *kept = strdup(tag);
	if (kept != NULL) {
		worker.tags[worker.group.count] = kept;
		group_add(&worker.group, d, &what);
	}
	close(what.message);
	return kept != NULL;
}

/* What waits at the socket already goes together with the first. What is not PACKET_OK is to be acted on when they have ended. */
static enum packet_result
take_all(struct deliverer *d, int socket)
{
	enum packet_result r = packet_receive_wait(socket, &worker.packet, -1);
	while (r == PACKET_OK) {
		if (!take(d))
			return PACKET_BAD;
		if (!group_has_room(&worker.group))
			return PACKET_WAIT;
		r = packet_receive(socket, &worker.packet);
	}
	if (r != PACKET_WAIT && r != PACKET_END)
		log_warning("request-failed", log_errno());
	return r;
}

/* In the order of the requests. */
static bool
end_all(struct deliverer *d, int socket)
{
	struct group *g = &worker.group;
	bool ok = true;
	group_end(g, d);
	for (size_t i = 0; i < g->count; i++) {
		if (g->members[i].extra)
			continue;
		ok = ok && answer(socket, worker.tags[i], &g->members[i].outcome);
		free(worker.tags[i]);
	}
	g->count = 0;
	return ok;
}

bool
worker_serve(struct deliverer *d, int socket)
{
	for (;;) {
		enum packet_result r = take_all(d, socket);
		/* Those before one that is none are as good as any; a peer that is gone has no use for an answer. */
		bool answered = end_all(d, socket);
		if (r == PACKET_END)
			return true;
		if (r != PACKET_WAIT || !answered || sieve_is_lost())
			return false;
	}
}
