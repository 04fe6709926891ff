/*
 * What is held: not tried until an administrator says so, however old it gets.
 * A message comes held from smtpd (hold= in its header), or root holds it. The
 * word in the file's line `tries` is the state; STATES.md has the steps.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/manager.h"
#include "queue/told.h"

#define TEXT_MOST 513

/* --- telling ------------------------------------------------------------------------------ */

static void
log_held(const struct message *m)
{
	char login[TEXT_MOST], why[TEXT_MOST], hint[64 + ID_LETTERS];
	queue_file_with_text(&m->file, "login", login, sizeof login);
	queue_file_with_text(&m->file, "hold", why, sizeof why);
	snprintf(hint, sizeof hint, "postern-queuectl release %s, or delete", m->name);
	log_warning("held", log_text("queue", m->name), log_slice("from", m->file.sender), log_text("login", login),
	    log_number("recipients", (int64_t)m->file.count), log_text("reason", why), log_text("hint", hint));
}

static struct told told;

void
hold_prepare(void)
{
	told_begin(&told);
}

void
hold_told(const struct message *m)
{
	struct slice login, why;
	if (queue_file_with(&m->file, "hold", &why) && queue_file_with(&m->file, "login", &login))
		told_add(&told, login, (uint64_t)clock_unix());
}

void
hold_not_told(const struct message *m)
{
	struct slice login;
	if (queue_file_with(&m->file, "login", &login))
		told_remove(&told, login);
}

static bool
wants_notice(const struct message *m)
{
	struct slice login;
	return queue_file_with(&m->file, "hold-notice", &login) ||
	    (queue_file_with(&m->file, "login", &login) && !told_has(&told, login, (uint64_t)clock_unix()));
}

void
hold_tell(struct message *m)
{
	log_held(m);
	if (!wants_notice(m)) {
		message_told(m, true);
		return;
	}
	/* At once: what comes behind it meanwhile makes no second notice. */
	hold_told(m);
	m->bouncing = true;
	bouncer_tell(m);
}

/* --- changing ----------------------------------------------------------------------------- */

static void
log_id(const char *event, uint64_t id)
{
	char name[ID_LETTERS + 1];
	id_print(id, name);
	log_info(event, log_text("queue", name), log_text("by", "the administrator"));
}

static void
log_trouble(const char *step, uint64_t id)
{
	char name[ID_LETTERS + 1];
	id_print(id, name);
	log_error("queue-file-not-changed", log_text("queue", name), log_text("step", step), log_errno(),
	    log_text("hint", "nothing was changed; say it again when the disk is well"));
}

/* Writes the turn of a message that waits, or says why not. */
static bool
change(uint64_t id, bool (*write_turn)(int fd), const char *event)
{
	int fd = queue_directory_open_file(&manager.directory, id, O_RDWR);
	bool ok = fd >= 0 && write_turn(fd);
	if (ok)
		log_id(event, id);
	else
		log_trouble(event, id);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* A file of which only the name is known, or whose notice could not be made, says itself what it is. False: no message. */
static bool
look(uint64_t id, struct queue_file *f)
{
	int fd = queue_directory_open_file(&manager.directory, id, O_RDONLY);
	bool ok = fd >= 0 && queue_file_read(fd, false, f) == FILE_OK;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* It is a message, and held or not. */
static bool
is_one(uint64_t id, bool held)
{
	struct queue_file f;
	if (!look(id, &f))
		return false;
	bool right = f.held == held;
	queue_file_free(&f);
	return right;
}

/* The message at work with that id (0: the first), after `m` when that is not NULL. */
static struct message *
at_work(struct message *m, uint64_t id)
{
	m = m == NULL ? manager.active : m->next;
	while (m != NULL && id != 0 && m->id != id)
		m = m->next;
	return m;
}

/* --- hold ----------------------------------------------------------------------------------- */

static bool
hold_waiting(void *context, struct waiting_entry *e)
{
	(void)context;
	bool found = e->found;
	if (e->due == DUE_HELD || (found && !is_one(e->id, false)) || !change(e->id, queue_file_hold, "held"))
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
	if (m->file.held)
		return false;
	int fd = message_open_for_writing(m);
	if (fd < 0 || !queue_file_hold(fd)) {
		log_trouble("held", m->id);
		return false;
	}
	m->file.held = true;
	log_id("held", m->id);
	return true;
}

size_t
hold_begin(uint64_t id)
{
	size_t count = waiting_change(&manager.waiting, id, hold_waiting, NULL);
	for (struct message *m = at_work(NULL, id); m != NULL; m = at_work(m, id))
		if (hold_at_work(m))
			count++;
	return count;
}

/* --- release -------------------------------------------------------------------------------- */

static bool
release_waiting(void *context, struct waiting_entry *e)
{
	const uint64_t *id = context;
	/* Another may be held too, and nobody could be told yet. All: only what is known to be held. */
	if (e->due != DUE_HELD && (*id == 0 || !is_one(e->id, true)))
		return false;
	if (!change(e->id, queue_file_release, "released"))
		return false;
	e->due = waiting_time((uint64_t)clock_unix());
	return true;
}

static bool
release_at_work(struct message *m)
{
	if (!m->file.held)
		return false;
	int fd = message_open_for_writing(m);
	if (fd < 0 || !queue_file_release(fd)) {
		log_trouble("released", m->id);
		return false;
	}
	m->file.held = false;
	m->file.released = true;
	m->file.tries = 0;
	log_id("released", m->id);
	return true;
}

size_t
hold_release(uint64_t id)
{
	size_t count = waiting_change(&manager.waiting, id, release_waiting, &id);
	for (struct message *m = at_work(NULL, id); m != NULL; m = at_work(m, id))
		if (release_at_work(m))
			count++;
	return count;
}

/* --- delete --------------------------------------------------------------------------------- */

static void
log_deleted(uint64_t id, const struct queue_file *f)
{
	char name[ID_LETTERS + 1], login[TEXT_MOST];
	size_t pending = 0;
	for (size_t i = 0; i < f->count; i++)
		if (queue_file_is_pending(&f->recipients[i]))
			pending++;
	id_print(id, name);
	queue_file_with_text(f, "login", login, sizeof login);
	log_info("deleted", log_text("queue", name), log_slice("from", f->sender), log_text("login", login),
	    log_number("recipients", (int64_t)pending), log_text("by", "the administrator"));
}

size_t
hold_delete(uint64_t id)
{
	struct queue_file f;
	if (!waiting_has(&manager.waiting, id) || !look(id, &f))
		return 0;
	bool removed = queue_directory_remove(&manager.directory, id);
	if (removed) {
		log_deleted(id, &f);
		waiting_remove(&manager.waiting, id);
	} else {
		log_trouble("deleted", id);
	}
	queue_file_free(&f);
	return removed ? 1 : 0;
}
