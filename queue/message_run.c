#include <stdlib.h>

#include "lib/base/log.h"
#include "queue/bcc.h"
#include "queue/manager.h"

#define UNDER_WAY_MOST 64 /* recipients of one message at a time */

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

void
message_begin_run(struct message *m)
{
	m->broken = !can_be_marked(m);
	if (!bcc_begin(m))
		message_advance(m);
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
		message_log_ended(m, r, &o);
		message_mark(m, r, RECIPIENT_DELIVERED, &o);
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
	if (m->advancing || m->bouncing || m->bcc != NULL)
		return;
	m->advancing = true;
	do
		start_recipients(m);
	while (m->under_way == 0 && may_start(m));
	m->advancing = false;
	if (m->under_way == 0)
		message_end_run(m);
}
