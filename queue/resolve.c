#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "queue/manager.h"
#include "queue/resolve.h"

#define LOGGED_TARGETS 10 /* of an alias, in the line that tells of them */

void
resolve_failed(struct delivery *d, const char *status, struct packet *answer)
{
	const char *why = answer != NULL && strcmp(status, "later") == 0 ? packet_field(answer) : NULL;
	delivery_interrupted(d, why != NULL ? why : "the address could not be looked up");
}

bool
resolve_is(const char *status, const char *wanted)
{
	return status != NULL && strcmp(status, wanted) == 0;
}

void
resolve_send(struct delivery *d, answer_handler *handler)
{
	d->message->looking++;
	if (client_ask(&manager.lookup, &manager.out, handler, d) != NULL)
		return;
	d->message->looking--;
	resolve_failed(d, NULL, NULL);
}

void
resolve_ask(struct delivery *d, const char *verb, answer_handler *handler)
{
	client_begin(&manager.lookup, &manager.out, verb);
	packet_add(&manager.out, delivery_recipient(d)->address);
	resolve_send(d, handler);
}

/* --- aliases ------------------------------------------------------------------------ */

static size_t
count_fields(struct packet *answer)
{
	size_t at = answer->at, count = 0;
	while (packet_field(answer) != NULL)
		count++;
	answer->at = at;
	return count;
}

/* What the alias became, as far as a line has room; `targets` says how many there are. */
static void
log_expanded(const struct message *m, size_t recipient, const struct slice *addresses, size_t count)
{
	struct log_field fields[3 + LOGGED_TARGETS] = {log_text("queue", m->name),
	    log_slice("alias", m->file.recipients[recipient].address), log_number("targets", (int64_t)count)};
	size_t shown = count < LOGGED_TARGETS ? count : LOGGED_TARGETS;
	for (size_t i = 0; i < shown; i++)
		fields[3 + i] = log_slice("to", addresses[i]);
	log_write(LOG_INFO, "expanded", fields, 3 + shown);
}

/* False: no memory. */
static bool
read_targets(struct delivery *d, struct packet *answer, struct outcome *o)
{
	size_t count = count_fields(answer);
	struct message *m = d->message;
	struct slice *addresses = calloc(count + 1, sizeof *addresses);
	struct file_target *targets = calloc(count + 1, sizeof *targets);
	bool ok = addresses != NULL && targets != NULL;
	if (ok) {
		for (size_t i = 0; i < count; i++)
			addresses[i] = slice_of(packet_field(answer));
		*o = expand_targets(&m->file, d->recipient, addresses, count, targets);
	}
	if (ok && outcome_is_done(o)) {
		int fd = message_open_for_writing(m);
		ok = fd >= 0 && queue_file_expand(fd, &m->file, d->recipient, targets, count);
		if (ok)
			log_expanded(m, d->recipient, addresses, count);
	}
	free(addresses);
	free(targets);
	return ok;
}

static void
alias_answered(void *context, const char *status, struct packet *answer)
{
	struct delivery *d = context;
	struct message *m = d->message;
	m->looking--;
	if (!resolve_is(status, "ok") || count_fields(answer) == 0) {
		/* "no": it was an alias a moment ago. Ask again later. */
		resolve_failed(d, status, answer);
		return;
	}
	/* What was seen before there was a second recipient counts too. */
	if (m->file.count == 1 && address_set_add(&m->seen, &m->file, 0) == SET_NO_MEMORY)
		m->broken = true;
	struct outcome o = outcome_done();
	if (!read_targets(d, answer, &o)) {
		log_error("alias-not-written", log_text("queue", m->name), log_errno());
		o = outcome_make("4.3.0", "the alias could not be expanded now");
		m->broken = true;
	}
	if (!outcome_is_done(&o))
		delivery_ended(d, &o);
	else
		delivery_replaced(d);
}

/* --- what is it? ------------------------------------------------------------------------ */

/* What comes of it takes time, and the queue has to keep the message. */
static void
answered_elsewhere(struct delivery *d, const char *class)
{
	message_not_now(d->message);
	if (strcmp(class, "relay") == 0)
		way_ask(d);
	else if (strcmp(class, "foreign") == 0)
		way_to_stranger(d);
	else if (strcmp(class, "unknown") == 0)
		way_of_unknown(d);
	else
		resolve_failed(d, NULL, NULL);
}

static void
class_answered(void *context, const char *status, struct packet *answer)
{
	struct delivery *d = context;
	d->message->looking--;
	const char *class = resolve_is(status, "ok") ? packet_field(answer) : NULL;
	if (class == NULL)
		resolve_failed(d, status, answer);
	else if (strcmp(class, "mailbox") == 0 || strcmp(class, "full") == 0)
		local_deliver(d); /* whether it is still full is for deliver to say */
	else if (strcmp(class, "alias") == 0 || strcmp(class, "return") == 0)
		resolve_ask(d, "alias", alias_answered);
	else
		answered_elsewhere(d, class);
}

/* A name that came back to itself through aliases: its mailbox, the host that has its domain's mail, or nothing. */
static void
mailbox_answered(void *context, const char *status, struct packet *answer)
{
	struct delivery *d = context;
	d->message->looking--;
	if (resolve_is(status, "ok"))
		local_deliver(d);
	else if (resolve_is(status, "no") && resolve_is(packet_field(answer), "relay"))
		way_ask(d);
	else if (resolve_is(status, "no")) {
		struct outcome o = outcome_make("5.4.6", "the alias leads back to itself and there is no such mailbox");
		delivery_ended(d, &o);
	} else
		resolve_failed(d, status, answer);
}

void
delivery_resolve(struct delivery *d)
{
	if (delivery_recipient(d)->final)
		resolve_ask(d, "mailbox", mailbox_answered);
	else
		resolve_ask(d, "rcpt", class_answered);
}
