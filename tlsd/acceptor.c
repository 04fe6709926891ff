#include "tlsd/acceptor.h"

#include <string.h>
#include <unistd.h>

#include "lib/ipc/packet.h"
#include "lib/ipc/server.h"
#include "tlsd/child.h"
#include "tlsd/children.h"
#include "tlsd/material.h"

#define KEY_TIMEOUT 10000 /* ms, for one signature under load */
#define TAG_MOST    32
#define FRONTS_MOST 4000 /* connections that wait with their question */

uint64_t acceptor_handshake_timeout;

static void
start_child(struct connection *c, const char *tag, int client)
{
	struct child child = {.client = client, .requester = c->watch.fd, .control = material_control(), .tag = tag,
	    .context = material_context(), .handshake_timeout = (int)acceptor_handshake_timeout * 1000,
	    .key_timeout = KEY_TIMEOUT};
	if (children_fork(c, tag) == 0)
		child_run(&child);
}

/* accept TAG + the client's connection. The child answers; the conversation ends for us in any case. */
static bool
request(struct connection *c, struct packet *p)
{
	if (strcmp(packet_verb(p), "accept") != 0)
		return false;
	const char *tag = packet_field(p);
	int client = packet_take_descriptor(p);
	bool whole = tag != NULL && strlen(tag) <= TAG_MOST && client >= 0;
	if (whole)
		start_child(c, tag, client);
	if (client >= 0)
		close(client);
	if (whole)
		connection_close(c);
	return whole;
}

static struct service server = {.name = ACCEPTOR_SOCKET, .most = FRONTS_MOST, .request = request};

bool
acceptor_start(int listening)
{
	static const char *const fronts[] = {"postern-smtpd", "postern-imapd", "postern-pop3d", "postern-lmtpd"};
	for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++)
		peers_add(&server.peers, fronts[i]);
	return service_start_on(&server, listening);
}
