#include "queue/control_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/ipc/socket.h"

#define PATIENCE 30000 /* ms */

static struct packet p;

int
control_connect(const char *program)
{
	int fd = socket_connect("queue/control", 2000);
	if (fd < 0)
		fprintf(stderr, "%s: the queue cannot be reached (%s/queue/control): %s; is postern-queued running?\n", program,
		    socket_run_directory, strerror(errno));
	return fd;
}

static bool
call(int fd)
{
	if (!packet_call(fd, &p, PATIENCE))
		return false;
	packet_close_descriptors(&p);
	return strcmp(packet_verb(&p), "ok") == 0 && packet_field(&p) != NULL;
}

/* False: there is none, or it is cut. */
static bool
read_entry(struct queue_entry *e)
{
	e->id = packet_field(&p);
	if (e->id == NULL || !packet_field_number(&p, UINT64_MAX, &e->size) || !packet_field_number(&p, UINT64_MAX, &e->arrival))
		return false;
	e->sender = packet_field(&p);
	e->recipient = packet_field(&p);
	e->state = packet_field(&p);
	if (e->state == NULL || !packet_field_number(&p, UINT64_MAX, &e->next_try))
		return false;
	e->text = packet_field(&p);
	return e->text != NULL;
}

bool
control_list(int fd, void (*each)(void *, const struct queue_entry *), void *context)
{
	char last[32] = "";
	uint64_t seen = 0; /* recipients of the last message */
	for (;;) {
		struct queue_entry e;
		packet_begin(&p, "list");
		packet_add_text(&p, "1");
		packet_add_text(&p, last);
		packet_add_number(&p, seen);
		if (!call(fd))
			return false;
		bool any = false;
		while (read_entry(&e)) {
			any = true;
			seen = strcmp(e.id, last) == 0 ? seen + 1 : 1;
			snprintf(last, sizeof last, "%s", e.id);
			each(context, &e);
		}
		if (!any)
			return packet_rest(&p).len == 0;
	}
}

bool
control_steer(int fd, const char *verb, const char *id, uint64_t *count)
{
	packet_begin(&p, verb);
	packet_add_text(&p, "1");
	if (id != NULL)
		packet_add_text(&p, id);
	return call(fd) && packet_field_number(&p, UINT64_MAX, count);
}
