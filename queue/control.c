/*
 * The socket queue/control: trying messages now, holding, releasing, deleting,
 * returning and requeuing them. What waits is shown by a process of its own
 * (control_view.c), so that nobody's looking keeps the manager from its work.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/ipc/server.h"
#include "queue/control_order.h"
#include "queue/control_rights.h"
#include "queue/destination.h"

#define ACTIVE_BYTES 60000 /* of ids in an answer */

static struct watch viewer_watch;

/* --- fields ---------------------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Queue ids to the packet's end. None is right too: it tells who asks whether he may. */
static bool
take_ids(struct packet *p, struct order *o)
{
	const char *field;
	while ((field = packet_field(p)) != NULL) {
		if (o->count == CONTROL_IDS_MOST || !id_parse(slice_of(field), &o->ids[o->count]) || o->ids[o->count] == 0)
			return false;
		o->count++;
	}
	qsort(o->ids, o->count, sizeof *o->ids, compare);
	return packet_rest(p).len == 0;
}

/* A code of class 5 (RFC 3463) and the words for the senders. */
static bool
take_reason(struct packet *p, struct order *o)
{
	const char *code = packet_field(p);
	const char *text = code != NULL ? packet_field(p) : NULL;
	if (text == NULL || !control_is_code(slice_of(code)) || ascii_has_control(slice_of(text)))
		return false;
	o->reason = outcome_make(code, "%s", text);
	return true;
}

/* --- answers ----------------------------------------------------------------------------- */

static void
begin_answer(const char *status, const char *tag)
{
	packet_begin(&manager.out, status);
	packet_add_text(&manager.out, tag);
}

static void
add_id(uint64_t id)
{
	char name[ID_LETTERS + 1];
	id_print(id, name);
	packet_add_text(&manager.out, name);
}

static bool
refuse(struct connection *c, const char *tag)
{
	begin_answer("no", tag);
	packet_add_text(&manager.out, "root may, and the users of the setting queue_admins");
	connection_send(c, &manager.out);
	return true;
}

/* --- verbs -------------------------------------------------------------------------------- */

/* What is at work now. */
static bool
on_active(struct connection *c, const char *tag, struct packet *p)
{
	if (packet_rest(p).len > 0)
		return false;
	if (!control_may_list(c->uid))
		return refuse(c, tag);
	begin_answer("ok", tag);
	for (struct message *m = manager.active; m != NULL && manager.out.len < ACTIVE_BYTES; m = m->next)
		add_id(m->id);
	connection_send(c, &manager.out);
	return true;
}

static size_t
flush_all(void)
{
	size_t count = waiting_hurry(&manager.waiting, (uint64_t)clock_unix());
	destinations_revive();
	log_info("flush", log_number("messages", (int64_t)count));
	return count;
}

static const struct verb {
	const char *name;
	size_t (*act)(struct order *o);
	size_t (*act_on_all)(void); /* when no id is named; NULL: to none */
	bool reason;
} verbs[] = {
    {"flush", order_flush, flush_all, false},
    {"hold", order_hold, NULL, false},
    {"release", order_release, NULL, false},
    {"delete", order_delete, NULL, false},
    {"fail", order_fail, NULL, true},
    {"requeue", order_requeue, NULL, false},
};

static bool
on_order(struct connection *c, const struct verb *v, const char *tag, struct packet *p)
{
	static struct order o;
	o.count = o.busy_count = 0;
	if (!control_may_steer(c->uid))
		return refuse(c, tag);
	bool all = v->act_on_all != NULL && packet_rest(p).len == 0;
	if ((v->reason && !take_reason(p, &o)) || (!all && !take_ids(p, &o)))
		return false;
	size_t count = all ? v->act_on_all() : v->act(&o);
	begin_answer("ok", tag);
	packet_add_number(&manager.out, count);
	for (size_t i = 0; i < o.busy_count; i++)
		add_id(o.busy[i]);
	connection_send(c, &manager.out);
	timer_set(&manager.due, 0);
	return true;
}

static bool
request(struct connection *c, struct packet *p)
{
	const char *name = packet_verb(p);
	const char *tag = packet_field(p);
	if (tag == NULL || strlen(tag) > 32)
		return false;
	if (strcmp(name, "active") == 0)
		return on_active(c, tag, p);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(name, verbs[i].name) == 0)
			return on_order(c, &verbs[i], tag, p);
	return false;
}

static struct service service = {.name = "queue/control", .most = 64, .most_per_user = 16, .request = request};

/* It says nothing: this is its end. */
static void
viewer_ended(struct watch *w, uint32_t events)
{
	(void)events;
	loop_remove(w);
	manager_drain("the viewer ended");
}

bool
control_begin(int viewer)
{
	viewer_watch = (struct watch){.fd = viewer, .ready = viewer_ended};
	service.peers.everybody = true;
	return loop_add(&viewer_watch, EPOLLIN) && service_start(&service);
}
