#include "lib/ipc/tls.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/ipc/packet.h"

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
tag_is_ours(struct packet *p, const char *ours)
{
	const char *tag = packet_field(p);
	return tag != NULL && strcmp(tag, ours) == 0;
}

static int
take_answer(struct packet *p, const char *tag, struct tls_facts *facts)
{
	const char *status = packet_verb(p);
	if (!tag_is_ours(p, tag))
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

/* Sends the question with its descriptor and waits for the answer; NULL, or why there is none. */
static const char *
ask(int tlsd, struct packet *p, int timeout)
{
	if (packet_send_wait(tlsd, p, timeout) != PACKET_OK)
		return "tlsd does not answer";
	switch (packet_receive_wait(tlsd, p, timeout)) {
	case PACKET_OK:
		return NULL;
	case PACKET_TIMEOUT:
		return "the handshake took too long";
	default:
		return "tlsd ended the conversation";
	}
}

int
tls_accept(int tlsd, int fd, const char *tag, int timeout, struct tls_facts *facts)
{
	memset(facts, 0, sizeof *facts);
	struct packet p;
	packet_begin(&p, "accept");
	packet_add_text(&p, tag);
	packet_add_descriptor(&p, fd);
	const char *why = ask(tlsd, &p, timeout);
	if (why != NULL)
		return failed(facts, why);
	int plain = take_answer(&p, tag, facts);
	packet_close_descriptors(&p);
	return plain;
}

/* --- the client side ------------------------------------------------------------------------ */

static int
peer_failed(struct tls_peer *peer, const char *reason)
{
	snprintf(peer->reason, sizeof peer->reason, "%s", reason);
	return -1;
}

static int
take_refusal(struct packet *p, struct tls_peer *peer)
{
	const char *why = packet_field(p), *kind = packet_field(p);
	peer->certificate = kind != NULL && strcmp(kind, "certificate") == 0;
	return peer_failed(peer, why != NULL ? why : "tlsd gave no reason");
}

static int
take_peer(struct packet *p, const char *tag, struct tls_peer *peer)
{
	const char *status = packet_verb(p);
	if (!tag_is_ours(p, tag))
		return peer_failed(peer, "tlsd gave an answer that is not one");
	if (strcmp(status, "ok") != 0)
		return take_refusal(p, peer);
	bool whole = take_text(p, peer->version, sizeof peer->version) && take_text(p, peer->cipher, sizeof peer->cipher) &&
	    take_text(p, peer->how, sizeof peer->how) && take_text(p, peer->note, sizeof peer->note);
	int plain = whole ? packet_take_descriptor(p) : -1;
	return plain >= 0 ? plain : peer_failed(peer, "tlsd gave an answer that is not one");
}

int
tls_connect(int tlsd, int fd, int timeout, const struct tls_wish *wish, struct tls_peer *peer)
{
	memset(peer, 0, sizeof *peer);
	struct packet p;
	packet_begin(&p, "connect");
	packet_add_text(&p, wish->tag);
	packet_add_text(&p, wish->policy);
	packet_add_text(&p, wish->names);
	for (size_t i = 0; i < wish->tlsa_count; i++)
		packet_add_text(&p, wish->tlsa[i]);
	packet_add_descriptor(&p, fd);
	const char *why = ask(tlsd, &p, timeout);
	if (why != NULL)
		return peer_failed(peer, why);
	int plain = take_peer(&p, wish->tag, peer);
	packet_close_descriptors(&p);
	return plain;
}
