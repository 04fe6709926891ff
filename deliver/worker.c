#include "deliver/worker.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"

#define ANSWER_TIMEOUT 60000 /* ms for the peer to take an answer */

/* Reads `deliver T ID SENDER ADDRESS ORIGINAL OFFSET [LENGTH]` and its descriptor. */
static bool
read_request(struct packet *p, const char **tag, struct delivery *what)
{
	*what = (struct delivery){.message = -1, .length = UINT64_MAX};
	if (strcmp(packet_verb(p), "deliver") != 0)
		return false;
	*tag = packet_field(p);
	what->id = packet_field(p);
	what->sender = packet_field(p);
	what->address = packet_field(p);
	what->original = packet_field(p);
	if (what->original == NULL || !packet_field_number(p, INT64_MAX, &what->offset))
		return false;
	if (packet_rest(p).len > 0 && !packet_field_number(p, INT64_MAX, &what->length))
		return false;
	what->message = packet_take_descriptor(p);
	return what->message >= 0;
}

static bool
answer(int socket, const char *tag, const struct outcome *o)
{
	struct packet p;
	packet_begin(&p, "result");
	packet_add_text(&p, tag);
	packet_add_outcome(&p, o);
	return packet_send_wait(socket, &p, ANSWER_TIMEOUT) == PACKET_OK;
}

static bool
handle(struct deliverer *d, int socket, struct packet *p)
{
	const char *tag;
	struct delivery what;
	bool ok = read_request(p, &tag, &what);
	if (!ok)
		log_warning("request-malformed", log_text("verb", packet_verb(p)));
	packet_close_descriptors(p);
	if (!ok)
		return false;
	log_session("queue", what.id);
	struct outcome o = deliver(d, &what);
	log_session("queue", NULL);
	close(what.message);
	return answer(socket, tag, &o);
}

bool
worker_serve(struct deliverer *d, int socket)
{
	struct packet p;
	for (;;) {
		enum packet_result r = packet_receive_wait(socket, &p, -1);
		if (r == PACKET_END)
			return true;
		if (r != PACKET_OK) {
			log_warning("request-failed", log_errno());
			return false;
		}
		if (!handle(d, socket, &p))
			return false;
	}
}
