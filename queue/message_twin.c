/*
 * Recipients that are one: the sender wrote an address twice, or an alias leads
 * to it as well. The mailbox gets one message, but each of them keeps what its
 * sender asked for (RFC 3461: NOTIFY and ORCPT are a recipient's own). So the
 * second is not tried: it takes its end from the first, when that has one.
 */
#include <stdio.h>

#include "queue/manager.h"
#include "queue/report.h"

/* Nobody can tell them apart: what is told of the one is told of both. */
static bool
are_alike(const struct queue_file *f, const struct file_recipient *a, const struct file_recipient *b)
{
	a = queue_file_original(f, a);
	b = queue_file_original(f, b);
	return slice_equal(a->address, b->address) && slice_equal(a->keys, b->keys);
}

static const struct file_recipient *
only_target(const struct queue_file *f, const struct file_recipient *alias)
{
	uint32_t parent = (uint32_t)(alias - f->recipients);
	for (size_t i = parent + 1; i < f->count; i++)
		if (f->recipients[i].parent == parent)
			return &f->recipients[i];
	return alias;
}

/* Whose end counts: an alias of one target has that one's. */
static const struct file_recipient *
fate_of(const struct queue_file *f, uint32_t twin)
{
	const struct file_recipient *r = &f->recipients[twin];
	while (r->expanded && r->targets == 1) {
		const struct file_recipient *target = only_target(f, r);
		if (target == r)
			break;
		r = target;
	}
	return r;
}

/* An alias of several has its message when it is expanded. Where the next host tells what the first one asked for, it was not asked for this one. */
static enum recipient_status
status_like(const struct message *m, const struct file_recipient *r, const struct file_recipient *fate)
{
	return report_succeeded(&m->file, r, fate->status == RECIPIENT_RELAYED || fate->passed_on);
}

static struct outcome
outcome_merged(void)
{
	return outcome_make("2.1.5", "the same as another recipient of this message");
}

/* What the file says of the last attempt. */
static struct outcome
outcome_like(const struct file_recipient *fate, const char *otherwise)
{
	char code[FILE_CODE_WIDTH + 1];
	bool fits = fate->code.len < sizeof code && fate->code.len > 0 && fate->code.data[0] == otherwise[0];
	snprintf(code, sizeof code, "%.*s", (int)fate->code.len, fate->code.data);
	return outcome_make(fits ? code : otherwise, "%.*s", (int)fate->text.len, fate->text.data);
}

/* It waits with the other one, for the same reason. Always false. */
static bool
wait_with(struct message *m, struct file_recipient *r, const struct file_recipient *fate)
{
	struct outcome o = outcome_like(fate, "4.0.0");
	if (fate->code.len > 0)
		message_mark(m, r, RECIPIENT_PENDING, &o);
	return false;
}

/* True: it has its end now. */
static bool
settle(struct message *m, struct file_recipient *r, const struct file_recipient *fate)
{
	bool has_it = fate->expanded || queue_file_is_delivered(fate);
	if (!has_it && queue_file_is_pending(fate))
		return wait_with(m, r, fate);
	struct outcome o = has_it ? outcome_merged() : outcome_like(fate, "5.0.0");
	message_log_ended(m, r, &o);
	message_mark(m, r, has_it ? status_like(m, r, fate) : report_failed(&m->file, r), &o);
	return true;
}

void
message_take_twin(struct message *m, uint32_t index, uint32_t twin)
{
	struct file_recipient *r = &m->file.recipients[index];
	struct outcome o = outcome_merged();
	if (!are_alike(&m->file, r, &m->file.recipients[twin])) {
		m->twins++;
		return;
	}
	message_log_ended(m, r, &o);
	message_mark(m, r, RECIPIENT_DELIVERED, &o);
}

void
message_settle_twins(struct message *m)
{
	/* The end of one may be what another waits for. */
	for (bool again = m->twins > 0; again;) {
		again = false;
		for (uint32_t i = 0; i < m->file.count && m->twins > 0; i++) {
			uint32_t twin;
			if (queue_file_is_pending(&m->file.recipients[i]) && address_set_find(&m->seen, &m->file, i, &twin) && twin != i &&
			    settle(m, &m->file.recipients[i], fate_of(&m->file, twin))) {
				m->twins--;
				again = true;
			}
		}
	}
}
