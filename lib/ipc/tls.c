#include "lib/ipc/tls.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/ipc/packet.h"

#define TAG "1" /* one question on this connection */

static int
failed(struct tls_facts *facts, const char *reason)
{
	snprintf(facts->reason, sizeof facts->reason, "%s", reason);
	return -1;
}

/* Copies the next field; false when there is none. A longer one is cut. */
static bool
take_text(struct packet *p, char *into, size_t room)
{
	const char *field = packet_field(p);
	if (field == NULL)
		return false;
	snprintf(into, room, "%s", field);
	return true;
}

/* The same of a text that means something else when it is cut: one that is too long, or missing, is "". */
static void
take_whole(struct packet *p, char *into, size_t room)
{
	const char *field = packet_field(p);
	into[0] = '\0';
	if (field != NULL && strlen(field) < room)
		memcpy(into, field, strlen(field) + 1);
}

/* The answer begins with the status that was read and our tag. */
static bool
tag_is_ours(struct packet *p)
{
	const char *tag = packet_field(p);
	return tag != NULL && strcmp(tag, TAG) == 0;
}

static int
take_answer(struct packet *p, struct tls_facts *facts)
{
	const char *status = packet_verb(p);
	if (!tag_is_ours(p))
		return failed(facts, "tlsd gave an answer that is not one");
	if (strcmp(status, "ok") != 0) {
		const char *why = packet_field(p);
		return failed(facts, why != NULL ? why : "tlsd gave no reason");
	}
	bool whole = take_text(p, facts->version, sizeof facts->version) &&
	    take_text(p, facts->cipher, sizeof facts->cipher) &&
	    take_text(p, facts->server_name, sizeof facts->server_name);
	take_whole(p, facts->client_name, sizeof facts->client_name);
	take_whole(p, facts->binding, sizeof facts->binding);
	int plain = whole ? packet_take_descriptor(p) : -1;
	if (plain < 0)
		return failed(facts, "tlsd gave an answer that is not one");
	return plain;
}

int
tls_accept(int tlsd, int fd, int timeout, struct tls_facts *facts)
{
	memset(facts, 0, sizeof *facts);
	struct packet p;
	packet_begin(&p, "accept");
	packet_add_text(&p, TAG);
	packet_add_descriptor(&p, fd);
	if (packet_send_wait(tlsd, &p, timeout) != PACKET_OK)
		return failed(facts, "tlsd does not answer");
	switch (packet_receive_wait(tlsd, &p, timeout)) {
	case PACKET_OK:
		break;
	case PACKET_TIMEOUT:
		return failed(facts, "the handshake took too long");
	default:
		return failed(facts, "tlsd ended the conversation");
	}
	int plain = take_answer(&p, facts);
	packet_close_descriptors(&p);
	return plain;
}
