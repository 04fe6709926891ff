/*
 * Orders to the manager: to ids that were named, or to what a list with the
 * filter shows, a packet of ids at a time. Each is synced before it is said to be done.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/program.h"
#include "queue/control_print.h"
#include "queue/queuectl.h"

#define SYNC_ONE_BY_ONE 16    /* as the viewer takes */
#define BUSY_MOST       10000 /* messages at work that are waited for */
#define BUSY_PATIENCE   10000 /* ms */
#define BUSY_EVERY      200

struct course {
	struct control           *control;
	const struct request     *request;
	const struct order_words *words;
	enum control_result       result;
	struct control_order      order;
	struct hops               hops;
	char                      last[ID_LETTERS + 1];
	uint64_t                  done, selected;
	/* What was changed and is to be synced; more than there is room: all. */
	char   changed[SYNC_ONE_BY_ONE][ID_LETTERS + 1];
	size_t changed_count;
	char (*busy)[ID_LETTERS + 1];
	size_t busy_count;
};

/* --- the reason of fail ------------------------------------------------------------------------ */

/* "5.1.1 text", or a text, or what the verb says by itself. */
static void
set_reason(struct course *c)
{
	static char code[16] = "5.0.0";
	const char *text = c->request->text;
	bool expired = c->request->age != NULL;
	if (expired)
		snprintf(code, sizeof code, "5.4.7");
	if (text != NULL) {
		size_t len = strcspn(text, " ");
		if (len < sizeof code && control_is_code(slice_make(text, len)) && text[len] == ' ') {
			snprintf(code, sizeof code, "%.*s", (int)len, text);
			text += len + 1;
		}
	}
	static char own[128];
	snprintf(own, sizeof own, "%s%s", expired ? "could not be delivered within " : "returned by the administrator",
	    expired ? c->request->age : "");
	c->order.code = code;
	c->order.text = text != NULL ? text : own;
}

/* --- a packet of ids ------------------------------------------------------------------------------ */

static void
note_busy(struct course *c)
{
	if (c->busy == NULL)
		c->busy = calloc(BUSY_MOST, sizeof *c->busy);
	for (size_t i = 0; i < c->order.busy_count && c->busy != NULL && c->busy_count < BUSY_MOST; i++)
		memcpy(c->busy[c->busy_count++], c->order.busy[i], sizeof c->order.busy[i]);
}

static void
note_changed(struct course *c)
{
	for (size_t i = 0; i < c->order.count; i++) {
		if (c->changed_count < SYNC_ONE_BY_ONE)
			memcpy(c->changed[c->changed_count], c->order.ids[i], sizeof c->order.ids[i]);
		c->changed_count++;
	}
}

static void
send_order(struct course *c)
{
	if (c->order.count == 0 || c->result != CONTROL_OK)
		return;
	c->result = control_order(c->control, &c->order);
	if (c->result == CONTROL_OK) {
		c->done += c->order.done;
		note_busy(c);
		if (c->order.done > 0)
			note_changed(c);
	}
	c->order.count = 0;
}

static void
sync_changed(struct course *c)
{
	/* Nothing of a flush is on the disk. */
	if (c->result != CONTROL_OK || c->changed_count == 0 || strcmp(c->order.verb, "flush") == 0)
		return;
	bool each = c->changed_count <= SYNC_ONE_BY_ONE;
	c->result = control_sync(c->control, c->changed, each ? c->changed_count : 0);
}

/* --- selecting -------------------------------------------------------------------------------------- */

static void
print_selected(const struct queue_entry *e)
{
	printf("%s ", e->id);
	print_clean(e->sender[0] != '\0' ? e->sender : "<>");
	putchar('\n');
}

/* Whether the verb would do something to it. */
static bool
is_for(const struct order_words *w, const struct queue_entry *e)
{
	bool held = strcmp(e->state, "held") == 0;
	if (strcmp(w->verb, "release") == 0)
		return held;
	return !held || (strcmp(w->verb, "hold") != 0 && strcmp(w->verb, "flush") != 0);
}

static bool
select_message(void *context, const struct queue_entry *e)
{
	struct course *c = context;
	if (strcmp(c->last, e->id) == 0 || !is_for(c->words, e) || (c->hops.wanted != NULL && !hops_lead(&c->hops, e->sender, e->recipient)))
		return !c->hops.lost;
	snprintf(c->last, sizeof c->last, "%s", e->id);
	c->selected++;
	if (c->request->dry) {
		print_selected(e);
		return true;
	}
	memcpy(c->order.ids[c->order.count++], c->last, sizeof c->last);
	if (c->order.count == CONTROL_IDS_MOST)
		send_order(c);
	return c->result == CONTROL_OK;
}

/* Nobody is to believe that he may because there was nothing to do. */
static void
ask_whether_he_may(struct course *c)
{
	static struct control_order none = {.verb = "hold"};
	if (c->result == CONTROL_OK && c->selected == 0 && !c->request->dry)
		c->result = control_order(c->control, &none);
}

static void
order_selected(struct course *c)
{
	enum control_result r = filter_list(c->control, &c->request->filter, select_message, c);
	if (c->result == CONTROL_OK)
		c->result = r;
	if (c->hops.lost && c->result == CONTROL_OK)
		c->result = CONTROL_LOST;
	send_order(c);
	ask_whether_he_may(c);
}

/* One by one, so that it can be said of each. */
static bool
order_named(struct course *c)
{
	bool all = true;
	for (size_t i = 0; i < c->request->filter.id_count && c->result == CONTROL_OK; i++) {
		const char *id = c->request->filter.ids[i];
		snprintf(c->order.ids[0], sizeof c->order.ids[0], "%s", id);
		c->order.count = 1;
		send_order(c);
		if (c->result != CONTROL_OK || c->order.done + c->order.busy_count > 0)
			continue;
		fprintf(stderr, "%s: %s %s\n", c->request->program, id, c->words->none);
		all = false;
	}
	return all;
}

/* --- what is at work ------------------------------------------------------------------------------------ */

/* Orders this of those that are at work; what is at work still stays in the list. */
static void
order_busy(struct course *c, const char *verb, bool count)
{
	size_t total = c->busy_count;
	char(*ids)[ID_LETTERS + 1] = c->busy;
	const struct control_order before = c->order;
	c->busy = NULL;
	c->busy_count = 0;
	if (!count) {
		c->order.verb = verb;
		c->order.code = NULL;
	}
	uint64_t done = c->done;
	for (size_t i = 0; i < total; i++) {
		memcpy(c->order.ids[c->order.count++], ids[i], sizeof ids[i]);
		if (c->order.count == CONTROL_IDS_MOST)
			send_order(c);
	}
	send_order(c);
	c->order.verb = before.verb;
	c->order.code = before.code;
	if (count) {
		free(ids);
		return;
	}
	c->done = done;
	free(c->busy);
	c->busy = ids;
	c->busy_count = total;
}

/* Nothing more of them is begun, and then they wait like others. False: some are at work still. */
static bool
wait_for_busy(struct course *c)
{
	if (c->busy_count == 0 || c->result != CONTROL_OK)
		return true;
	if (!c->words->patient) {
		fprintf(stderr, "%s: %zu at work: say it again when they wait\n", c->request->program, c->busy_count);
		return false;
	}
	order_busy(c, "hold", false);
	int64_t deadline = clock_ms() + BUSY_PATIENCE;
	for (;;) {
		order_busy(c, c->order.verb, true);
		if (c->busy_count == 0 || c->result != CONTROL_OK)
			return true;
		if (clock_ms() >= deadline)
			break;
		poll(NULL, 0, BUSY_EVERY);
	}
	fprintf(stderr, "%s: %zu still at work: nothing more of them is begun, and they are held then; say it again\n",
	    c->request->program, c->busy_count);
	return false;
}

/* --- all of it ---------------------------------------------------------------------------------------------- */

static void
print_count(const struct course *c)
{
	uint64_t count = c->request->dry ? c->selected : c->done;
	const char *verb = c->request->dry ? "would be" : count == 1 ? "is" : "are";
	printf("%llu message%s %s %s.\n", (unsigned long long)count, count == 1 ? "" : "s", verb, c->words->done);
}

int
queuectl_order(struct control *control, const struct request *r, const struct order_words *w)
{
	static struct course c;
	c = (struct course){.control = control, .request = r, .words = w, .order.verb = w->verb, .hops = {.authd = -1}};
	if (strcmp(w->verb, "fail") == 0)
		set_reason(&c);
	if (r->next_hop != NULL && !hops_open(&c.hops, r->program, r->next_hop, r->relay_host))
		return EXIT_TEMPORARY;
	bool whole = true;
	bool chosen = filter_chooses(&r->filter) || r->next_hop != NULL;
	if (r->filter.ids != NULL && !chosen && !r->dry)
		whole = order_named(&c);
	else if (strcmp(w->verb, "flush") == 0 && !chosen && !r->dry)
		c.result = control_order(control, &c.order), c.done = c.order.done;
	else
		order_selected(&c);
	whole = wait_for_busy(&c) && whole;
	sync_changed(&c);
	hops_close(&c.hops);
	free(c.busy);
	if (c.result != CONTROL_OK)
		return control_exit_code(c.result);
	print_count(&c);
	return whole ? EXIT_DONE : EXIT_MISUSE;
}
