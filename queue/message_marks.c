#include <fcntl.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/manager.h"
#include "queue/report.h"

int
message_open_for_writing(struct message *m)
{
	if (m->write_fd < 0)
		m->write_fd = queue_directory_open_file(&manager.directory, m->id, O_RDWR);
	return m->write_fd;
}

void
message_change_failed(struct message *m)
{
	/* The price is a repetition, once the disk is well again. */
	log_error("mark-not-written", log_text("queue", m->name), log_errno());
	m->broken = true;
}

void
message_mark(struct message *m, struct file_recipient *r, enum recipient_status status, const struct outcome *o)
{
	/* The only recipient was delivered: unlink follows at once and is the mark. */
	if (status == RECIPIENT_DELIVERED && m->file.count == 1) {
		r->status = status;
		return;
	}
	int fd = message_open_for_writing(m);
	if (fd < 0)
		r->status = status;
	if (fd < 0 || !queue_file_mark(fd, r, status, o))
		message_change_failed(m);
}

void
message_log_ended(const struct message *m, const struct file_recipient *r, const struct outcome *o)
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
	free(d->sender);
	free(d);
}

static enum recipient_status
status_after(const struct delivery *d, const struct file_recipient *r, const struct outcome *o)
{
	const struct queue_file *f = &d->message->file;
	bool ours = d->transport == NULL; /* else the next host has DSN and tells the sender, or it says `relayed` */
	if (o->class == OUTCOME_PERMANENT)
		return report_failed(f, r);
	if (o->class == OUTCOME_TEMPORARY)
		return RECIPIENT_PENDING;
	return ours || o->relayed ? report_succeeded(f, r, o->relayed) : RECIPIENT_DELIVERED;
}

void
delivery_ended(struct delivery *d, const struct outcome *o)
{
	struct message *m = d->message;
	struct file_recipient *r = delivery_recipient(d);
	message_log_ended(m, r, o);
	if (o->class == OUTCOME_TEMPORARY)
		m->deferred++;
	r->passed_on = o->class == OUTCOME_DONE && d->transport != NULL && !o->relayed;
	message_mark(m, r, status_after(d, r, o), o);
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

void
delivery_parked(struct delivery *d, uint32_t tag)
{
	struct message *m = d->message;
	m->parked++;
	m->parked_for = tag;
	free_delivery(d);
	message_advance(m);
}
