/*
 * Returning a message to its sender now, and beginning anew with it. Both are
 * changes of the queue file (STATES.md, "fail" and "requeue"), after which the
 * message is due like any other.
 */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/control_order.h"
#include "queue/report.h"

/* What was only found by a scan is still to be looked at whole, but not at the time in its file. */
static void
make_due(struct waiting_entry *e)
{
	e->due = waiting_time((uint64_t)clock_unix());
	e->hurried = e->found;
}

/* --- fail ------------------------------------------------------------------------------------- */

static void
log_failed(const char *name, const struct queue_file *f, const struct file_recipient *r, const struct outcome *o)
{
	const struct file_recipient *original = queue_file_original(f, r);
	log_info("failed", log_text("queue", name), log_slice("to", r->address),
	    original != r ? log_slice("original", original->address) : (struct log_field){.key = NULL},
	    log_text("code", o->code), log_text("text", o->text), log_text("by", "the administrator"));
}

/* False: some could not be marked, errno. */
static bool
fail_recipients(int fd, const char *name, struct queue_file *f, const struct outcome *o)
{
	for (size_t i = 0; i < f->count; i++) {
		struct file_recipient *r = &f->recipients[i];
		if (!queue_file_is_pending(r))
			continue;
		if (!queue_file_mark(fd, r, report_failed(f, r), o))
			return false;
		log_failed(name, f, r, o);
	}
	return true;
}

static bool
fail_waiting(void *context, struct waiting_entry *e)
{
	const struct order *o = context;
	struct queue_file f;
	char name[ID_LETTERS + 1];
	id_print(e->id, name);
	int fd = order_open(e->id, &f);
	if (fd < 0)
		return false;
	/* The marks come first: released before them it would be tried once more. */
	bool ok = fail_recipients(fd, name, &f, &o->reason) && (!f.held || queue_file_release(fd));
	if (!ok)
		order_log_trouble("failed", e->id);
	order_close(fd, &f);
	make_due(e);
	return ok;
}

size_t
order_fail(struct order *o)
{
	return order_waiting(o, fail_waiting);
}

/* --- requeue ----------------------------------------------------------------------------------- */

/*
 * A recipient that an alias gave is replaced by what the sender wrote, to be
 * looked up as if it were new; with one of that alias that was replaced already, by
 * nothing. `again[i]` says of recipient i that it stands in the file once more.
 */
static bool
forget_alias(int fd, struct queue_file *f, uint32_t index, bool *again)
{
	const struct file_recipient *original = queue_file_original(f, &f->recipients[index]);
	size_t which = (size_t)(original - f->recipients);
	/* The list moves when it grows; the text does not. */
	struct file_target target = {.address = original->address, .anew = true};
	if (!queue_file_expand(fd, f, index, &target, again[which] ? 0 : 1))
		return false;
	again[which] = true;
	return true;
}

static bool
forget_aliases(int fd, struct queue_file *f)
{
	size_t count = f->count;
	bool *again = calloc(count, sizeof *again);
	bool ok = again != NULL;
	for (uint32_t i = 0; ok && i < count; i++)
		if (queue_file_is_pending(&f->recipients[i]) && f->recipients[i].parent != NO_PARENT)
			ok = forget_alias(fd, f, i, again);
	free(again);
	return ok;
}

static bool
requeue_waiting(void *context, struct waiting_entry *e)
{
	(void)context;
	struct queue_file f;
	int fd = order_open(e->id, &f);
	if (fd < 0)
		return false;
	/* What is held stays held. */
	bool held = f.held;
	bool ok = forget_aliases(fd, &f) && (held || queue_file_release(fd));
	if (ok)
		order_log("requeued", e->id);
	else
		order_log_trouble("requeued", e->id);
	order_close(fd, &f);
	if (ok && !held)
		make_due(e);
	return ok;
}

size_t
order_requeue(struct order *o)
{
	return order_waiting(o, requeue_waiting);
}
