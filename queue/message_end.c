#include <errno.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/manager.h"
#include "queue/report.h"
#include "queue/retry.h"

static bool
is_pending(const struct message *m)
{
	for (size_t i = 0; i < m->file.count; i++)
		if (queue_file_is_pending(&m->file.recipients[i]))
			return true;
	return false;
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
	if (!queue_directory_remove(&manager.directory, m->id)) {
		not_removed(m);
	} else if (m->offered) {
		manager_answer_offer(m->id, true);
		m->offered = false;
	}
	message_forget(m);
}

static void
fail_pending(struct message *m)
{
	for (size_t i = 0; i < m->file.count; i++) {
		struct file_recipient *r = &m->file.recipients[i];
		if (!queue_file_is_pending(r))
			continue;
		struct outcome o = outcome_make("5.4.7", REPORT_TOO_OLD "%.*s %.*s",
		    (int)r->code.len, r->code.data, (int)r->text.len, r->text.data);
		message_log_ended(m, r, &o);
		message_mark(m, r, report_failed(&m->file, r), &o);
	}
}

/* Nobody waits for it, and nobody is to be told of it. */
static bool
is_over(const struct message *m)
{
	return !is_pending(m) && !report_is_due(&m->file, false);
}

/* The sender is to hear that it waits. What is held waits for a person, who knows. */
static bool
is_late(const struct message *m)
{
	uint64_t warning = manager.settings->delay_warning;
	return warning > 0 && !m->file.held && m->held_recipients == 0 && retry_is_over(m->file.arrival / 1000000, (uint64_t)clock_unix(), warning);
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
	if (is_pending(m) && message_is_too_old(m))
		fail_pending(m);
	m->late = is_late(m);
	if (is_over(m)) {
		remove_message(m);
	} else if (report_is_due(&m->file, m->late)) {
		message_not_now(m);
		m->bouncing = true;
		bouncer_make(m);
	} else {
		message_wait(m);
	}
}

/* Also when the file goes at once: should that fail, nobody is told twice. */
static void
mark_reported(struct message *m, struct file_recipient *r)
{
	enum report what = report_of(&m->file, r, m->late);
	if (what == REPORT_NOTHING)
		return;
	int fd = message_open_for_writing(m);
	if (fd < 0 || !queue_file_mark_status(fd, r, report_done(what)))
		message_change_failed(m);
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
	for (size_t i = 0; i < m->file.count; i++)
		mark_reported(m, &m->file.recipients[i]);
	if (is_pending(m))
		message_wait(m);
	else
		remove_message(m);
}

void
message_told(struct message *m, bool ok)
{
	m->bouncing = false;
	if (!m->file.held) {
		/* Released in the meantime. */
		message_begin_run(m);
	} else if (ok) {
		message_wait(m);
	} else {
		hold_not_told(m);
		message_try_later(m->id);
		message_forget(m);
	}
}
