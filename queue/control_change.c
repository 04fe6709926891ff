/* Trying now, holding, releasing, deleting: what an administrator orders and one write, or unlink, does. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/control_order.h"
#include "queue/destination.h"

#define TEXT_MOST 513
#define BY        log_text("by", "the administrator")

/* --- shared ------------------------------------------------------------------------------- */

void
order_log(const char *event, uint64_t id)
{
	char name[ID_LETTERS + 1];
	id_print(id, name);
	log_info(event, log_text("queue", name), BY);
}

void
order_log_trouble(const char *step, uint64_t id)
{
	char name[ID_LETTERS + 1];
	id_print(id, name);
	log_error("queue-file-not-changed", log_text("queue", name), log_text("step", step), log_errno(),
	    log_text("hint", "nothing was changed; say it again when the disk is well"));
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

struct message *
order_at_work(const struct order *o, struct message *m)
{
	m = m == NULL ? manager.active : m->next;
	while (m != NULL && bsearch(&m->id, o->ids, o->count, sizeof *o->ids, compare) == NULL)
		m = m->next;
	return m;
}

size_t
order_waiting(struct order *o, bool (*change)(void *order, struct waiting_entry *e))
{
	for (struct message *m = order_at_work(o, NULL); m != NULL; m = order_at_work(o, m))
		o->busy[o->busy_count++] = m->id;
	return waiting_change_these(&manager.waiting, o->ids, o->count, change, o);
}

int
order_open(uint64_t id, struct queue_file *f)
{
	int fd = queue_directory_open_file(&manager.directory, id, O_RDWR);
	if (fd >= 0 && queue_file_read(fd, false, f) == FILE_OK)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

void
order_close(int fd, struct queue_file *f)
{
	queue_file_free(f);
	close(fd);
}

/* It is a message, and held or not. A file of which only the name is known says itself what it is. */
static bool
is_one(uint64_t id, bool held)
{
	struct queue_file f;
	int fd = order_open(id, &f);
	if (fd < 0)
		return false;
	bool right = f.held == held;
	order_close(fd, &f);
	return right;
}

/* Writes the turn of a message, or says why not. */
static bool
change_turn(int fd, uint64_t id, bool (*write_turn)(int fd), const char *event)
{
	bool ok = fd >= 0 && write_turn(fd);
	if (ok)
		order_log(event, id);
	else
		order_log_trouble(event, id);
	return ok;
}

static bool
change_waiting(uint64_t id, bool (*write_turn)(int fd), const char *event)
{
	int fd = queue_directory_open_file(&manager.directory, id, O_RDWR);
	bool ok = change_turn(fd, id, write_turn, event);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* --- flush ------------------------------------------------------------------------------------ */

size_t
order_flush(struct order *o)
{
	size_t count = waiting_hurry_these(&manager.waiting, o->ids, o->count, (uint64_t)clock_unix());
	destinations_revive();
	log_info("flush", log_number("messages", (int64_t)count));
	return count;
}

/* --- hold ----------------------------------------------------------------------------------- */

static bool
hold_waiting(void *context, struct waiting_entry *e)
{
	(void)context;
	bool found = e->found;
	if (e->due == DUE_HELD || (found && !is_one(e->id, false)) || !change_waiting(e->id, queue_file_hold, "held"))
		return false;
	/* One that was only found is still to be looked at whole, as ever. */
	if (!found)
		e->due = DUE_HELD;
	return true;
}

/* What is under way goes on; nothing further is begun, and then it waits. */
static bool
hold_at_work(struct message *m)
{
	if (m->file.held || !change_turn(message_open_for_writing(m), m->id, queue_file_hold, "held"))
		return false;
	m->file.held = true;
	return true;
}

size_t
order_hold(struct order *o)
{
	size_t count = waiting_change_these(&manager.waiting, o->ids, o->count, hold_waiting, NULL);
	for (struct message *m = order_at_work(o, NULL); m != NULL; m = order_at_work(o, m))
		count += hold_at_work(m);
	return count;
}

/* --- release -------------------------------------------------------------------------------- */

static bool
release_waiting(void *context, struct waiting_entry *e)
{
	(void)context;
	/* Another may be held too, and nobody could be told yet. */
	if ((e->due != DUE_HELD && !is_one(e->id, true)) || !change_waiting(e->id, queue_file_release, "released"))
		return false;
	e->due = waiting_time((uint64_t)clock_unix());
	return true;
}

static bool
release_at_work(struct message *m)
{
	if (!m->file.held || !change_turn(message_open_for_writing(m), m->id, queue_file_release, "released"))
		return false;
	m->file.held = false;
	m->file.released = true;
	m->file.tries = 0;
	return true;
}

size_t
order_release(struct order *o)
{
	size_t count = waiting_change_these(&manager.waiting, o->ids, o->count, release_waiting, NULL);
	for (struct message *m = order_at_work(o, NULL); m != NULL; m = order_at_work(o, m))
		count += release_at_work(m);
	return count;
}

/* --- delete --------------------------------------------------------------------------------- */

static void
log_deleted(uint64_t id, const struct queue_file *f)
{
	char name[ID_LETTERS + 1], login[TEXT_MOST];
	size_t pending = 0;
	for (size_t i = 0; i < f->count; i++)
		pending += queue_file_is_pending(&f->recipients[i]);
	id_print(id, name);
	queue_file_with_text(f, "login", login, sizeof login);
	log_info("deleted", log_text("queue", name), log_slice("from", f->sender), log_text("login", login),
	    log_number("recipients", (int64_t)pending), BY);
}

static bool
delete_waiting(void *context, struct waiting_entry *e)
{
	(void)context;
	struct queue_file f;
	int fd = order_open(e->id, &f);
	if (fd < 0)
		return false;
	bool removed = queue_directory_remove(&manager.directory, e->id);
	if (removed)
		log_deleted(e->id, &f);
	else
		order_log_trouble("deleted", e->id);
	order_close(fd, &f);
	if (removed)
		e->id = 0;
	return removed;
}

size_t
order_delete(struct order *o)
{
	return order_waiting(o, delete_waiting);
}
