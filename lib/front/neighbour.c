#include "lib/front/neighbour.h"

#include <poll.h>
#include <stddef.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/ipc/socket.h"

#define PATIENCE 2000 /* ms for one that is being restarted */

int
neighbour_connect(const char *name)
{
	int fd = socket_connect(name, PATIENCE);
	if (fd < 0)
		log_error("service-away", log_text("service", name), log_text("directory", socket_run_directory), log_errno(),
		    log_text("hint", "is its program running, and may this user reach its socket?"));
	return fd;
}

bool
neighbour_open(struct neighbour *n, const char *name)
{
	*n = (struct neighbour){.name = name, .socket = neighbour_connect(name)};
	return n->socket >= 0;
}

void
neighbour_begin(struct neighbour *n, struct packet *p, const char *verb)
{
	packet_begin(p, verb);
	packet_add_number(p, ++n->tag);
}

static void
lose(struct neighbour *n, const char *reason)
{
	log_error("service-lost", log_text("service", n->name), log_text("reason", reason));
	close(n->socket);
	n->socket = -1;
	n->lost = true;
}

bool
neighbour_is_there(struct neighbour *n)
{
	struct pollfd ended = {.fd = n->socket};
	if (n->socket >= 0 && poll(&ended, 1, 0) > 0)
		lose(n, "it ended");
	return n->socket >= 0;
}

bool
neighbour_send(struct neighbour *n, const struct packet *p, int patience)
{
	if (n->socket < 0)
		return false;
	enum packet_result r = packet_send_wait(n->socket, p, patience);
	if (r == PACKET_OK)
		return true;
	lose(n, r == PACKET_TIMEOUT ? "it takes nothing" : "the connection broke");
	return false;
}

/* The status word of the answer that has come. */
static const char *
read_answer(struct neighbour *n, struct packet *p, uint64_t wanted, int *fd)
{
	uint64_t tag;
	*fd = packet_take_descriptor(p);
	packet_close_descriptors(p);
	const char *status = packet_verb(p);
	if (packet_field_number(p, UINT64_MAX, &tag) && tag == wanted)
		return status;
	lose(n, "the answer does not fit the question");
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return NULL;
}

const char *
neighbour_ask_descriptor(struct neighbour *n, struct packet *p, int patience, int *fd)
{
	*fd = -1;
	if (n->socket < 0)
		return NULL;
	if (packet_call(n->socket, p, patience))
		return read_answer(n, p, n->tag, fd);
	lose(n, "no answer");
	return NULL;
}

const char *
neighbour_await(struct neighbour *n, struct packet *p, uint64_t tag, int patience)
{
	int fd = -1;
	if (n->socket < 0)
		return NULL;
	if (packet_receive_wait(n->socket, p, patience) != PACKET_OK) {
		lose(n, "no answer");
		return NULL;
	}
	const char *status = read_answer(n, p, tag, &fd);
	if (fd >= 0)
		close(fd);
	return status;
}

const char *
neighbour_ask(struct neighbour *n, struct packet *p, int patience)
{
	int fd;
	const char *status = neighbour_ask_descriptor(n, p, patience, &fd);
	if (fd >= 0)
		close(fd);
	return status;
}
