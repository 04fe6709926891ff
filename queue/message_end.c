#include <errno.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/manager.h"
#include "queue/retry.h"

#define HURRY_FIRST 5 /* seconds to the first retry after trouble of our own */

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
		message_try_later(m->id);
}

static void
remove_message(struct message *m)
{
	if (!queue_directory_remove(&manager.directory, m->id))
		not_removed(m);
	message_forget(m);
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
		message_log_ended(m, r, &o);
		message_mark(m, r, message_failed_status(m, r), &o);
	}
}

static void
stay_held(struct message *m)
{
	int fd = message_open_for_writing(m);
	if (fd < 0 || !queue_file_hold(fd))
		log_error("mark-not-written", log_text("queue", m->name), log_errno());
	manager_wait_until(m->id, DUE_HELD);
	message_forget(m);
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
	message_forget(m);
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
void
message_end_run(struct message *m)
{
	if (is_over(m)) {
		remove_message(m);
		return;
	}
	if (m->broken || manager.draining) {
		message_try_later(m->id);
		message_forget(m);
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
		message_try_later(m->id);
		message_forget(m);
		return;
	}
	bool last = count_of(m, RECIPIENT_PENDING) == 0;
	for (size_t i = 0; i < m->file.count && !last; i++) {
		struct file_recipient *r = &m->file.recipients[i];
		int fd = r->status == RECIPIENT_FAILED ? message_open_for_writing(m) : -1;
		if (r->status == RECIPIENT_FAILED && (fd < 0 || !queue_file_mark_status(fd, r, RECIPIENT_RETURNED)))
			message_change_failed(m);
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
		message_begin_run(m);
	} else if (ok) {
		stay_held(m);
	} else {
		hold_not_told(m);
		message_try_later(m->id);
		message_forget(m);
	}
}
