#include "lib/front/handover.h"

#include <string.h>

#include "lib/base/encode.h"
#include "lib/base/log.h"

#define PATIENCE     10000 /* ms for the daemon to take the client */
#define ID_MOST      64
#define COMMAND_MOST 1024  /* bytes of a client's tag */

static bool
build(struct packet *p, const struct handover *h, const struct input *in)
{
	struct str ahead = STR_MOST(STREAM_BUFFER * 2);
	bool ok = base64_encode(&ahead, input_buffered(in));
	packet_begin(p, "session");
	packet_add_text(p, h->id);
	packet_add_text(p, h->ticket);
	packet_add(p, h->command);
	packet_add_text(p, h->address);
	packet_add_text(p, h->encrypted ? "tls" : "plain");
	packet_add(p, str_slice(&ahead));
	packet_add_descriptor(p, h->client);
	str_free(&ahead);
	return ok;
}

static enum handover_result
unreachable(const char *service, enum packet_result r)
{
	log_error("session-unreachable", log_text("service", service),
	    log_text("reason", r == PACKET_TIMEOUT ? "no answer in time" : "nobody is there"),
	    log_text("hint", "is its program running?"));
	return r == PACKET_TIMEOUT ? HANDOVER_UNKNOWN : HANDOVER_REFUSED;
}

enum handover_result
handover_send(int socket, const char *service, const struct handover *h, const struct input *in)
{
	static struct packet p;
	if (socket < 0 || !build(&p, h, in) || packet_send_wait(socket, &p, PATIENCE) != PACKET_OK)
		return unreachable(service, PACKET_END);
	enum packet_result r = packet_receive_wait(socket, &p, PATIENCE);
	if (r != PACKET_OK)
		return unreachable(service, r);
	packet_close_descriptors(&p);
	if (strcmp(packet_verb(&p), "ok") == 0)
		return HANDOVER_TAKEN;
	packet_field(&p);
	const char *why = packet_field(&p);
	log_warning("session-refused", log_text("service", service), log_text("reason", why != NULL ? why : ""));
	return HANDOVER_REFUSED;
}

bool
handover_read(struct packet *p, struct handover *h)
{
	if (strcmp(packet_verb(p), "session") != 0)
		return false;
	h->id = packet_field(p);
	h->ticket = packet_field(p);
	const char *command = packet_field(p);
	h->address = packet_field(p);
	const char *line = packet_field(p);
	h->read_ahead = packet_field(p);
	if (h->read_ahead == NULL || strlen(h->id) > ID_MOST || strlen(command) > COMMAND_MOST)
		return false;
	h->command = slice_of(command);
	h->encrypted = strcmp(line, "tls") == 0;
	h->client = packet_take_descriptor(p);
	return h->client >= 0;
}

bool
handover_read_ahead(const struct handover *h, struct input *in)
{
	struct str bytes = STR_MOST(STREAM_BUFFER);
	bool ok = base64_decode(&bytes, slice_of(h->read_ahead));
	if (ok)
		memcpy(in->buffer, str_text(&bytes), bytes.len);
	in->end = ok ? bytes.len : 0;
	str_free(&bytes);
	return ok;
}
