#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/manager.h"
#include "queue/outward_keys.h"
#include "queue/retry.h"

#define UNDER_WAY_MOST 64 /* recipients of one message at a time */
#define HURRY_FIRST    5  /* seconds to the first retry after trouble of our own */
#define TROUBLE_WAIT   60 /* seconds until a message is looked at again that our own trouble held up */

/* --- begin and end -------------------------------------------------------------- */

static void
link_message(struct message *m)
{
	m->next = manager.active;
	if (m->next != NULL)
		m->next->previous = m;
	manager.active = m;
	manager.active_count++;
}

static void
forget(struct message *m)
{
	if (m->previous != NULL)
		m->previous->next = m->next;
	else
		manager.active = m->next;
	if (m->next != NULL)
		m->next->previous = m->previous;
	manager.active_count--;
	close(m->fd);
	if (m->write_fd >= 0)
		close(m->write_fd);
	queue_file_free(&m->file);
	address_set_free(&m->seen);
	free(m);
	manager_start_due();
}

static void
try_later(uint64_t id)
{
	manager_wait_until(id, (uint64_t)clock_unix() + TROUBLE_WAIT);
}

static void
set_aside(uint64_t id, const char *name)
{
	bool moved = queue_directory_set_aside(&manager.directory, id);
	log_error("queue-file-damaged", log_text("queue", name), moved ? log_text("moved", "damaged/") : log_errno(),
	    log_text("hint", "look at it in the directory damaged of the queue; it may hold a message"));
}

static void
sweep(uint64_t id, const char *name)
{
	bool removed = queue_directory_remove(&manager.directory, id);
	log_info("swept", log_text("queue", name), removed ? log_text("reason", "never answered") : log_errno());
}

/* What to do with a file that is no message to work on. */
static void
dismiss(uint64_t id, const char *name, enum file_result r, bool found)
{
	if (r == FILE_UNCOMMITTED && found)
		sweep(id, name);
	else if (r == FILE_TROUBLE && errno == ENOENT)
		log_warning("queue-file-gone", log_text("queue", name));
	else if (r == FILE_TROUBLE && errno != ELOOP && errno != ENXIO && errno != EISDIR) {
		log_error("queue-file-not-read", log_text("queue", name), log_errno());
		try_later(id);
	} else
		set_aside(id, name);
}

static enum file_result
open_and_read(struct message *m, enum origin origin)
{
	m->fd = queue_directory_open_file(&manager.directory, m->id, O_RDONLY);
	if (m->fd < 0)
		return FILE_TROUBLE;
	/* What the intake has just committed is whole; all else may have been torn in a crash. */
	enum file_result r = queue_file_read(m->fd, origin != ORIGIN_COMMITTED, &m->file);
	if (r == FILE_OK && m->file.id != m->id) {
		queue_file_free(&m->file);
		r = FILE_DAMAGED;
	}
	if (r != FILE_OK) {
		int saved = errno;
		close(m->fd);
		errno = saved;
	}
	return r;
}

int
message_open_for_writing(struct message *m)
{
	if (m->write_fd < 0)
		m->write_fd = queue_directory_open_file(&manager.directory, m->id, O_RDWR);
	return m->write_fd;
}

/*
 * Several recipients need marks: better to find out that none can be written
 * before the first delivery than to repeat it each time.
 */
static bool
can_be_marked(struct message *m)
{
	if (m->file.count == 1)
		return true;
	int fd = message_open_for_writing(m);
	if (fd >= 0 && queue_file_retry(fd, &m->file, m->file.tries, m->file.next))
		return true;
	log_error("mark-not-written", log_text("queue", m->name), log_errno());
	return false;
}

/* Later than any wait is: a clock was wrong when it was written, or it is damaged. */
static bool
is_believable(uint64_t next, uint64_t now)
{
	uint64_t most = manager.settings->retry_most > TROUBLE_WAIT ? manager.settings->retry_most : TROUBLE_WAIT;
	return next <= now + most;
}

/* Why a message that could be read has no turn now; false: it has. */
static bool
waits_on(const struct message *m, enum origin origin, uint64_t *due)
{
	uint64_t now = (uint64_t)clock_unix();
	*due = m->file.held ? DUE_HELD : m->file.next;
	if (m->file.held)
		return m->file.told;
	return origin == ORIGIN_FOUND && m->file.next > now && is_believable(m->file.next, now);
}

static void
begin_run(struct message *m)
{
	m->broken = !can_be_marked(m);
	message_advance(m);
}

void
message_start(uint64_t id, enum origin origin)
{
	struct message *m = calloc(1, sizeof *m);
	if (m == NULL) {
		try_later(id);
		return;
	}
	m->id = id;
	m->write_fd = -1;
	id_print(id, m->name);
	enum file_result r = open_and_read(m, origin);
	if (r != FILE_OK) {
		dismiss(id, m->name, r, origin == ORIGIN_FOUND);
		free(m);
		return;
	}
	uint64_t due;
	if (waits_on(m, origin, &due)) {
		if (m->file.held)
			hold_told(m);
		manager_wait_until(id, due);
		close(m->fd);
		queue_file_free(&m->file);
		free(m);
		return;
	}
	link_message(m);
	if (m->file.held)
		hold_tell(m);
	else
		begin_run(m);
}

/* --- marks ------------------------------------------------------------------------ */

static void
change_failed(struct message *m)
{
	/* The price is a repetition, once the disk is well again. */
	log_error("mark-not-written", log_text("queue", m->name), log_errno());
	m->broken = true;
}

static void
mark(struct message *m, struct file_recipient *r, enum recipient_status status, const struct outcome *o)
{
	/* The only recipient was delivered: unlink follows at once and is the mark. */
	if (status == RECIPIENT_DELIVERED && m->file.count == 1) {
		r->status = status;
		return;
	}
	int fd = message_open_for_writing(m);
	if (fd < 0 || !queue_file_mark(fd, r, status, o))
		change_failed(m);
	r->status = status;
}

/* Failed, and the sender is to be told; or he said that he does not want to hear of it (RFC 3461 section 4.1). */
static enum recipient_status
failed_status(const struct message *m, const struct file_recipient *r)
{
	return outward_is_silent(&m->file, r) ? RECIPIENT_RETURNED : RECIPIENT_FAILED;
}

static void
log_ended(const struct message *m, const struct file_recipient *r, const struct outcome *o)
{
	static const char *const events[] = {"delivered", "deferred", "failed"};
	const struct file_recipient *original = queue_file_original(&m->file, r);
	int64_t delay = (clock_unix_us() - (int64_t)m->file.arrival) / 1000;
	log_info(events[o->class], log_text("queue", m->name), log_slice("to", r->address),
	    original != r ? log_slice("original", original->address) : (struct log_field){.key = NULL},
	    log_number("delay_ms", delay), log_text("code", o->code), log_text("text", o->text));
}

struct file_recipient *
delivery_recipient(const struct delivery *d)
{
	return &d->message->file.recipients[d->recipient];
}

static void
free_delivery(struct delivery *d)
{
	d->message->under_way--;
	free(d->transport);
	free(d);
}

void
delivery_ended(struct delivery *d, const struct outcome *o)
{
	static const enum recipient_status statuses[] = {RECIPIENT_DELIVERED, RECIPIENT_PENDING};
	struct message *m = d->message;
	struct file_recipient *r = delivery_recipient(d);
	log_ended(m, r, o);
	mark(m, r, o->class == OUTCOME_PERMANENT ? failed_status(m, r) : statuses[o->class], o);
	free_delivery(d);
	message_advance(m);
}

void
delivery_interrupted(struct delivery *d, const char *why)
{
	struct outcome o = outcome_make("4.3.0", "%s", why);
	d->message->hurried = true;
	delivery_ended(d, &o);
}

void
delivery_replaced(struct delivery *d)
{
	struct message *m = d->message;
	free_delivery(d);
	message_advance(m);
}

/* --- the run ------------------------------------------------------------------------ */

static size_t
count_of(const struct message *m, enum recipient_status status)
{
	size_t count = 0;
	for (size_t i = 0; i < m->file.count; i++)
		if (m->file.recipients[i].status == status && !m->file.recipients[i].expanded)
			count++;
	return count;
}

/* The file stays though all have ended: so that nothing is repeated, its marks must say so before it is read again. */
static void
not_removed(struct message *m)
{
	log_error("queue-file-not-removed", log_text("queue", m->name), log_errno());
	struct outcome o = outcome_done();
	int fd = errno != ENOENT ? message_open_for_writing(m) : -1;
	if (fd >= 0 && (m->file.count > 1 || queue_file_mark(fd, &m->file.recipients[0], m->file.recipients[0].status, &o)))
		try_later(m->id);
}

static void
remove_message(struct message *m)
{
	if (!queue_directory_remove(&manager.directory, m->id))
		not_removed(m);
	forget(m);
}

static void
fail_pending(struct message *m)
{
	for (size_t i = 0; i < m->file.count; i++) {
		struct file_recipient *r = &m->file.recipients[i];
		if (!queue_file_is_pending(r))
			continue;
		struct outcome o = outcome_make("5.4.7", "could not be delivered in time; the last answer was %.*s %.*s",
		    (int)r->code.len, r->code.data, (int)r->text.len, r->text.data);
		log_ended(m, r, &o);
		mark(m, r, failed_status(m, r), &o);
	}
}

static void
stay_held(struct message *m)
{
	int fd = message_open_for_writing(m);
	if (fd < 0 || !queue_file_hold(fd))
		log_error("mark-not-written", log_text("queue", m->name), log_errno());
	manager_wait_until(m->id, DUE_HELD);
	forget(m);
}

static void
wait_for_retry(struct message *m)
{
	if (m->file.held) {
		stay_held(m);
		return;
	}
	uint64_t now = (uint64_t)clock_unix();
	unsigned tries = m->file.tries + 1;
	uint64_t first = manager.settings->retry_first;
	if (m->hurried && first > HURRY_FIRST)
		first = HURRY_FIRST;
	uint64_t next = now + retry_wait(tries, first, manager.settings->retry_most);
	int fd = message_open_for_writing(m);
	if (fd < 0 || !queue_file_retry(fd, &m->file, tries, next))
		log_error("mark-not-written", log_text("queue", m->name), log_errno());
	manager_wait_until(m->id, next);
	forget(m);
}

/* What waited for a person is not late: its time begins with the release. */
static bool
is_too_old(const struct message *m)
{
	const struct queue_settings *s = manager.settings;
	if (m->file.held)
		return false;
	if (m->file.released)
		return retry_is_spent(m->file.tries, s->retry_first, s->retry_most, s->life);
	return retry_is_over(m->file.arrival / 1000000, (uint64_t)clock_unix(), s->life);
}

/* Nobody waits for it, and nobody is to be told of it. */
static bool
is_over(const struct message *m)
{
	return count_of(m, RECIPIENT_PENDING) + count_of(m, RECIPIENT_FAILED) == 0;
}

/* Every recipient has ended or is deferred. */
static void
end_run(struct message *m)
{
	if (is_over(m)) {
		remove_message(m);
		return;
	}
	if (m->broken || manager.draining) {
		try_later(m->id);
		forget(m);
		return;
	}
	if (count_of(m, RECIPIENT_PENDING) > 0 && is_too_old(m))
		fail_pending(m);
	if (is_over(m)) {
		remove_message(m);
	} else if (count_of(m, RECIPIENT_FAILED) > 0) {
		m->bouncing = true;
		bouncer_make(m);
	} else {
		wait_for_retry(m);
	}
}

void
message_bounced(struct message *m, bool ok)
{
	m->bouncing = false;
	if (!ok) {
		try_later(m->id);
		forget(m);
		return;
	}
	bool last = count_of(m, RECIPIENT_PENDING) == 0;
	for (size_t i = 0; i < m->file.count && !last; i++) {
		struct file_recipient *r = &m->file.recipients[i];
		int fd = r->status == RECIPIENT_FAILED ? message_open_for_writing(m) : -1;
		if (r->status == RECIPIENT_FAILED && (fd < 0 || !queue_file_mark_status(fd, r, RECIPIENT_RETURNED)))
			change_failed(m);
	}
	if (last)
		remove_message(m);
	else
		wait_for_retry(m);
}

void
message_told(struct message *m, bool ok)
{
	m->bouncing = false;
	if (!m->file.held) {
		/* Released in the meantime. */
		begin_run(m);
	} else if (ok) {
		stay_held(m);
	} else {
		hold_not_told(m);
		try_later(m->id);
		forget(m);
	}
}

static bool
start_recipient(struct message *m, uint32_t index)
{
	struct file_recipient *r = &m->file.recipients[index];
	/* What an alias has given stands for it; requeued, it may come again. */
	if (r->expanded)
		return true;
	enum set_result seen = m->file.count > 1 ? address_set_add(&m->seen, &m->file, index) : SET_ADDED;
	if (!queue_file_is_pending(r))
		return true;
	if (seen == SET_THERE) {
		struct outcome o = outcome_make("2.1.5", "the same as another recipient of this message");
		log_ended(m, r, &o);
		mark(m, r, RECIPIENT_DELIVERED, &o);
		return true;
	}
	struct delivery *d = seen == SET_ADDED ? calloc(1, sizeof *d) : NULL;
	if (d == NULL)
		return false;
	*d = (struct delivery){.message = m, .recipient = index};
	m->under_way++;
	delivery_resolve(d);
	return true;
}

static bool
may_start(const struct message *m)
{
	return m->started < m->file.count && m->under_way < UNDER_WAY_MOST && !m->broken && !m->file.held && !manager.draining;
}

static void
start_recipients(struct message *m)
{
	while (may_start(m)) {
		if (!start_recipient(m, m->started)) {
			m->broken = true;
			return;
		}
		m->started++;
	}
	if (m->looking == 0 && m->outward != NULL)
		outward_deliver(m);
}

void
message_advance(struct message *m)
{
	/* What is started may end at once and come here again. */
	if (m->advancing || m->bouncing)
		return;
	m->advancing = true;
	do
		start_recipients(m);
	while (m->under_way == 0 && may_start(m));
	m->advancing = false;
	if (m->under_way == 0)
		end_run(m);
}
