#include "tlsd/acceptor.h"

#include <string.h>
#include <unistd.h>

#include "lib/ipc/packet.h"
#include "lib/ipc/server.h"
#include "tlsd/child.h"
#include "tlsd/children.h"
#include "tlsd/handshakes.h"
#include "tlsd/material.h"

#define KEY_TIMEOUT 10000 /* ms, for one signature under load */
#define TAG_MOST    32
#define FRONTS_MOST 4000 /* connections that wait with their question */

uint64_t acceptor_handshake_timeout;

static void
start_child(struct connection *c, const char *tag, int client)
{
	struct child child = {.client = client, .requester = c->watch.fd, .control = material_control(), .tag = tag,
	    .context = material_context(), .inherited = material_inherited(),
	    .handshake_timeout = (int)acceptor_handshake_timeout * 1000, .key_timeout = KEY_TIMEOUT};
	pid_t pid = children_fork(c, tag);
	if (pid == 0)
		child_run(&child);
	if (pid > 0)
		handshakes_add(c, pid);
	else
		connection_close(c);
}

/* accept TAG + the client's connection. The child answers, then the front ends the conversation. One question each. */
static bool
on_accept(struct connection *c, const char *tag, struct packet *p)
{
	int client = packet_take_descriptor(p);
	if (client < 0)
		return false;
	start_child(c, tag, client);
	close(client);
	return true;
}

/* certificates TAG NUMBER, from root: what sessions are made with, one at a time. */
static bool
on_certificates(struct connection *c, const char *tag, struct packet *p)
{
	static struct packet answer;
	const struct shelf *shelf = material_shelf();
	uint64_t number;
	if ((c->uid != 0 && !socket_one_identity) || !packet_field_number(p, UINT64_MAX, &number))
		return false;
	packet_begin(&answer, "ok");
	packet_add_text(&answer, tag);
	packet_add_number(&answer, shelf_count(shelf));
	if (number < shelf_count(shelf)) {
		const struct certificate *one = shelf_get(shelf, number);
		packet_add_text(&answer, one->file);
		packet_add_text(&answer, one->names);
		packet_add_text(&answer, one->key);
		packet_add_number(&answer, (uint64_t)one->ends);
		packet_add_number(&answer, (uint64_t)one->response_ends);
	}
	connection_send(c, &answer);
	return true;
}

static bool
request(struct connection *c, struct packet *p)
{
	const char *verb = packet_verb(p), *tag = packet_field(p);
	if (tag == NULL || strlen(tag) > TAG_MOST || handshakes_has(c))
		return false;
	if (strcmp(verb, "certificates") == 0)
		return on_certificates(c, tag, p);
	return strcmp(verb, "accept") == 0 && on_accept(c, tag, p);
}

static struct service server = {.name = ACCEPTOR_SOCKET, .most = FRONTS_MOST, .request = request};

bool
acceptor_start(int listening)
{
	static const char *const fronts[] = {"postern-smtpd", "postern-imapd", "postern-pop3d", "postern-lmtpd"};
	for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++)
		peers_add(&server.peers, fronts[i]);
	handshakes_prepare(&server);
	return service_start_on(&server, listening);
}
