#include "queue/control_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/program.h"
#include "lib/ipc/socket.h"

#define PATIENCE      120000 /* ms: a disk may be slow */
#define CONNECT_WAITS 2000
#define ACTIVE_MOST   10000

int
control_exit_code(enum control_result r)
{
	static const int codes[] = {EXIT_DONE, EXIT_MISUSE, EXIT_MISUSE, EXIT_TEMPORARY};
	return codes[r];
}

static int
connect_to(const struct control *c, const char *name)
{
	int fd = socket_connect(name, CONNECT_WAITS);
	if (fd < 0)
		fprintf(stderr, "%s: the queue cannot be reached (%s/%s): %s; is postern-queued running?\n", c->program,
		    socket_run_directory, name, strerror(errno));
	return fd;
}

enum control_result
control_open(struct control *c, const char *program)
{
	*c = (struct control){.program = program, .show = -1, .order = -1};
	c->show = connect_to(c, "queue/show");
	if (c->show >= 0)
		c->order = connect_to(c, "queue/control");
	return c->order >= 0 ? CONTROL_OK : CONTROL_LOST;
}

void
control_close(struct control *c)
{
	free(c->active);
	if (c->show >= 0)
		close(c->show);
	if (c->order >= 0)
		close(c->order);
}

static void
begin(struct packet *p, const char *verb)
{
	packet_begin(p, verb);
	packet_add_text(p, "1");
}

/* Leaves the packet at the answer's first field behind the tag. */
static enum control_result
call(const struct control *c, int fd, struct packet *p)
{
	const char *status = packet_call(fd, p, PATIENCE) ? packet_verb(p) : "";
	if (packet_field(p) != NULL && strcmp(status, "ok") == 0)
		return CONTROL_OK;
	bool refused = strcmp(status, "no") == 0;
	const char *why = refused || strcmp(status, "later") == 0 ? packet_field(p) : NULL;
	packet_close_descriptors(p);
	fprintf(stderr, "%s: the queue %s%s%s\n", c->program, refused ? "refuses" : why != NULL ? "has trouble" : "was lost",
	    why != NULL ? ": " : "", why != NULL ? why : "");
	return refused ? CONTROL_REFUSED : CONTROL_LOST;
}

static enum control_result
unclear(const struct control *c)
{
	fprintf(stderr, "%s: the queue gave no clear answer\n", c->program);
	return CONTROL_LOST;
}

/* --- listing --------------------------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* What is at work now. */
static enum control_result
ask_active(struct control *c)
{
	const char *id;
	begin(&c->p, "active");
	enum control_result r = call(c, c->order, &c->p);
	c->active_count = 0;
	if (r == CONTROL_OK && c->active == NULL)
		c->active = calloc(ACTIVE_MOST, sizeof *c->active);
	while (r == CONTROL_OK && c->active != NULL && c->active_count < ACTIVE_MOST && (id = packet_field(&c->p)) != NULL)
		if (id_parse(slice_of(id), &c->active[c->active_count]))
			c->active_count++;
	if (c->active_count > 1)
		qsort(c->active, c->active_count, sizeof *c->active, compare);
	return r;
}

/* False: there is none, or it is cut. */
static bool
read_entry(struct control *c, struct queue_entry *e)
{
	struct packet *p = &c->p;
	uint64_t id;
	e->id = packet_field(p);
	if (e->id == NULL || !id_parse(slice_of(e->id), &id) || !packet_field_number(p, UINT64_MAX, &e->size) ||
	    !packet_field_number(p, UINT64_MAX, &e->arrival))
		return false;
	e->sender = packet_field(p);
	e->recipient = packet_field(p);
	e->original = packet_field(p);
	e->state = packet_field(p);
	if (e->state == NULL || !packet_field_number(p, UINT64_MAX, &e->tries) || !packet_field_number(p, UINT64_MAX, &e->next_try))
		return false;
	e->text = packet_field(p);
	e->active = c->active_count > 0 && bsearch(&id, c->active, c->active_count, sizeof id, compare) != NULL;
	return e->text != NULL;
}

/* One page after the other, from `next` on, by this verb. */
static enum control_result
read_pages(struct control *c, const char *verb, const char *first, control_each *each, void *context)
{
	char next[ID_LETTERS + 1];
	uint64_t skip = 0;
	snprintf(next, sizeof next, "%s", first);
	do {
		struct queue_entry e;
		begin(&c->p, verb);
		packet_add_text(&c->p, next);
		packet_add_number(&c->p, skip);
		enum control_result r = call(c, c->show, &c->p);
		if (r != CONTROL_OK)
			return r;
		const char *id = packet_field(&c->p);
		if (id == NULL || !packet_field_number(&c->p, UINT32_MAX, &skip))
			return unclear(c);
		snprintf(next, sizeof next, "%s", id);
		while (read_entry(c, &e))
			if (!each(context, &e))
				return CONTROL_OK;
		if (packet_rest(&c->p).len > 0)
			return unclear(c);
	} while (next[0] != '\0');
	return CONTROL_OK;
}

enum control_result
control_list(struct control *c, control_each *each, void *context)
{
	enum control_result r = ask_active(c);
	return r == CONTROL_OK ? read_pages(c, "list", "", each, context) : r;
}

enum control_result
control_message(struct control *c, const char *id, control_each *each, void *context)
{
	enum control_result r = ask_active(c);
	return r == CONTROL_OK ? read_pages(c, "message", id, each, context) : r;
}

/* --- one message ------------------------------------------------------------------------------- */

static bool
read_facts(struct packet *p, struct shown_message *m)
{
	if (!packet_field_number(p, UINT32_MAX, &m->header_size) || !packet_field_number(p, UINT64_MAX, &m->size) ||
	    !packet_field_number(p, UINT64_MAX, &m->arrival))
		return false;
	m->sender = packet_field(p);
	m->state = packet_field(p);
	return m->state != NULL && packet_field_number(p, UINT64_MAX, &m->tries) && packet_field_number(p, UINT64_MAX, &m->next_try);
}

enum control_result
control_show(struct control *c, const char *id, struct shown_message *m)
{
	begin(&c->p, "show");
	packet_add_text(&c->p, id);
	enum control_result r = call(c, c->show, &c->p);
	if (r != CONTROL_OK)
		return r;
	m->fd = packet_take_descriptor(&c->p);
	packet_close_descriptors(&c->p);
	if (m->fd < 0)
		return CONTROL_NONE;
	if (read_facts(&c->p, m))
		return CONTROL_OK;
	close(m->fd);
	return unclear(c);
}

/* --- orders --------------------------------------------------------------------------------------- */

enum control_result
control_order(struct control *c, struct control_order *o)
{
	begin(&c->q, o->verb);
	if (o->code != NULL) {
		packet_add_text(&c->q, o->code);
		packet_add_text(&c->q, o->text);
	}
	for (size_t i = 0; i < o->count; i++)
		packet_add_text(&c->q, o->ids[i]);
	enum control_result r = call(c, c->order, &c->q);
	if (r != CONTROL_OK)
		return r;
	if (!packet_field_number(&c->q, UINT64_MAX, &o->done))
		return unclear(c);
	const char *id;
	for (o->busy_count = 0; o->busy_count < CONTROL_IDS_MOST && (id = packet_field(&c->q)) != NULL; o->busy_count++)
		snprintf(o->busy[o->busy_count], sizeof o->busy[0], "%s", id);
	return CONTROL_OK;
}

enum control_result
control_sync(struct control *c, char (*ids)[ID_LETTERS + 1], size_t count)
{
	begin(&c->q, "sync");
	for (size_t i = 0; i < count; i++)
		packet_add_text(&c->q, ids[i]);
	return call(c, c->show, &c->q);
}
