#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/mail/address.h"
#include "queue/bcc.h"
#include "queue/manager.h"

#define UNDER_WAY_MOST 500 /* recipients of one message at a time */
#define LOOKING_MOST   50  /* of these at authd, where the messages' questions stand in one line */

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

/* --- in which order ---------------------------------------------------------------- */

static const struct file_recipient *ordering;

static struct slice
domain_of(uint32_t index)
{
	struct slice local, domain;
	address_split(ordering[index].address, &local, &domain);
	return domain;
}

static int
compare_recipients(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = slice_compare(domain_of(x), domain_of(y));
	return order != 0 ? order : (x > y) - (x < y);
}

/* Those of one domain behind one another, so that they can go together. False: no memory. */
static bool
order_rest(struct message *m)
{
	uint32_t count = (uint32_t)m->file.count - m->started;
	uint32_t *order = reallocarray(m->order, count, sizeof *order);
	if (order == NULL)
		return false;
	for (uint32_t i = 0; i < count; i++)
		order[i] = m->started + i;
	ordering = m->file.recipients;
	qsort(order, count, sizeof *order, compare_recipients);
	m->order = order;
	m->ordered_from = m->started;
	m->ordered_to = m->started + count;
	return true;
}

/* What an alias has added meanwhile is behind those that are ordered. */
static bool
next_recipient(struct message *m, uint32_t *index)
{
	*index = m->started;
	if (m->file.count == 1)
		return true;
	if (m->started >= m->ordered_to && !order_rest(m))
		return false;
	*index = m->order[m->started - m->ordered_from];
	return true;
}

/* --- starting them -------------------------------------------------------------------- */

static bool
start_recipient(struct message *m, uint32_t index)
{
	struct file_recipient *r = &m->file.recipients[index];
	/* What an alias has given stands for it; requeued, it may come again. */
	if (r->expanded)
		return true;
	uint32_t twin;
	enum set_result seen = m->file.count > 1 ? address_set_add(&m->seen, &m->file, index, &twin) : SET_ADDED;
	if (!queue_file_is_pending(r))
		return true;
	if (seen == SET_THERE) {
		message_take_twin(m, index, twin);
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

void
message_goes_to(struct message *m, uint32_t tag)
{
	m->tag = m->tag == 0 || m->tag == tag ? tag : TAG_SEVERAL;
}

static bool
may_start(const struct message *m)
{
	return m->started < m->file.count && m->under_way < UNDER_WAY_MOST && m->looking < LOOKING_MOST && !m->broken &&
	    !m->file.held && !manager.draining;
}

static void
start_recipients(struct message *m)
{
	uint32_t index;
	while (may_start(m)) {
		if (!next_recipient(m, &index) || !start_recipient(m, index)) {
			m->broken = true;
			break;
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
