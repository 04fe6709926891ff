#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/mail/transport.h"
#include "queue/manager.h"

#define LOGGED_TARGETS 10 /* of an alias, in the line that tells of them */

static void
lookup_failed(struct delivery *d, const char *status, struct packet *answer)
{
	const char *why = answer != NULL && strcmp(status, "later") == 0 ? packet_field(answer) : NULL;
	delivery_interrupted(d, why != NULL ? why : "the address could not be looked up");
}

static bool
is_status(const char *status, const char *wanted)
{
	return status != NULL && strcmp(status, wanted) == 0;
}

/* What was begun in manager.out. */
static void
send_question(struct delivery *d, answer_handler *handler)
{
	d->message->looking++;
	if (client_ask(&manager.lookup, &manager.out, handler, d) != NULL)
		return;
	d->message->looking--;
	lookup_failed(d, NULL, NULL);
}

/* Asks authd about the recipient's address. */
static void
ask(struct delivery *d, const char *verb, answer_handler *handler)
{
	client_begin(&manager.lookup, &manager.out, verb);
	packet_add(&manager.out, delivery_recipient(d)->address);
	send_question(d, handler);
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
	if (!is_status(status, "ok") || count_fields(answer) == 0) {
		/* "no": it was an alias a moment ago. Ask again later. */
		lookup_failed(d, status, answer);
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

/* --- other hosts ---------------------------------------------------------------------- */

static void
go_outward(struct delivery *d, const char *transport)
{
	struct message *m = d->message;
	d->transport = strdup(transport);
	if (d->transport == NULL) {
		lookup_failed(d, NULL, NULL);
		return;
	}
	d->next = m->outward;
	m->outward = d;
	message_advance(m);
}

/* What is held waits for a person; the other recipients of the message do not wait for it. */
static void
hold(struct delivery *d)
{
	struct outcome o = outcome_make("4.7.0", "held, as the transport says: postern-queuectl release %s", d->message->name);
	log_warning("held", log_text("queue", d->message->name), log_slice("to", delivery_recipient(d)->address), log_text("reason", "transport"));
	d->message->to_be_held = true;
	delivery_ended(d, &o);
}

/* After a person has released it: the mailbox, or the way that there is without this transport. */
static void
released_answered(void *context, const char *status, struct packet *answer)
{
	struct delivery *d = context;
	d->message->looking--;
	if (is_status(status, "ok"))
		local_deliver(d);
	else if (is_status(status, "no"))
		go_outward(d, manager.settings->relay_host);
	else
		lookup_failed(d, status, answer);
}

static void
refuse_transport(struct delivery *d, const char *transport)
{
	struct outcome o = outcome_make("4.3.5", "there is no transport like %s here", transport);
	log_error("transport-wrong", log_text("queue", d->message->name), log_slice("to", delivery_recipient(d)->address),
	    log_text("transport", transport), log_text("hint", "postern-authd(8) lists what a transport may be; the message waits"));
	delivery_ended(d, &o);
}

static void
send_by(struct delivery *d, struct slice transport)
{
	struct str way = STR_MOST(4096);
	if (transport_print(&way, transport))
		go_outward(d, str_text(&way));
	else
		lookup_failed(d, NULL, NULL);
	str_free(&way);
}

static void
act_on(struct delivery *d, const char *transport)
{
	struct slice text = slice_of(transport);
	struct outcome o;
	switch (transport_kind(text)) {
	case TRANSPORT_DEFAULT:
		go_outward(d, manager.settings->relay_host);
		return;
	case TRANSPORT_REMOTE:
		send_by(d, text);
		return;
	case TRANSPORT_LOCAL:
		local_deliver(d);
		return;
	case TRANSPORT_ERROR:
	case TRANSPORT_DISCARD:
		o = transport_outcome(text);
		delivery_ended(d, &o);
		return;
	case TRANSPORT_HOLD:
		if (d->message->file.released)
			ask(d, "mailbox", released_answered);
		else
			hold(d);
		return;
	case TRANSPORT_UNKNOWN:
	case TRANSPORT_WRONG:
		break;
	}
	refuse_transport(d, transport);
}

static void
transport_answered(void *context, const char *status, struct packet *answer)
{
	struct delivery *d = context;
	d->message->looking--;
	const char *transport = is_status(status, "ok") ? packet_field(answer) : NULL;
	if (transport != NULL)
		act_on(d, transport);
	else if (is_status(status, "no"))
		act_on(d, "");
	else
		lookup_failed(d, status, answer);
}

static void
ask_transport(struct delivery *d)
{
	client_begin(&manager.lookup, &manager.out, "transport");
	packet_add(&manager.out, delivery_recipient(d)->address);
	packet_add(&manager.out, d->message->file.sender);
	send_question(d, transport_answered);
}

/* --- forwarding to strangers ----------------------------------------------------------- */

static void
forward_answered(void *context, const char *status, struct packet *answer)
{
	struct delivery *d = context;
	d->message->looking--;
	const char *sender = is_status(status, "ok") ? packet_field(answer) : NULL;
	if (sender != NULL)
		d->sender = strdup(sender);
	if (is_status(status, "no") || d->sender != NULL)
		ask_transport(d);
	else
		lookup_failed(d, status, answer);
}

/* An alias of ours gave this stranger's address, to a message that came from outside: it goes on under a sender of ours. */
static bool
is_forwarded(const struct delivery *d)
{
	const struct queue_file *f = &d->message->file;
	struct slice value;
	return f->sender.len > 0 && delivery_recipient(d)->parent != NO_PARENT && !queue_file_with(f, "login", &value) &&
	    !queue_file_with(f, "uid", &value);
}

static void
go_to_stranger(struct delivery *d)
{
	if (!is_forwarded(d)) {
		ask_transport(d);
		return;
	}
	client_begin(&manager.lookup, &manager.out, "forward");
	packet_add(&manager.out, d->message->file.sender);
	send_question(d, forward_answered);
}

/* --- what is it? ------------------------------------------------------------------------ */

static void
class_answered(void *context, const char *status, struct packet *answer)
{
	struct delivery *d = context;
	d->message->looking--;
	const char *class = is_status(status, "ok") ? packet_field(answer) : NULL;
	if (class == NULL)
		lookup_failed(d, status, answer);
	else if (strcmp(class, "mailbox") == 0 || strcmp(class, "full") == 0)
		local_deliver(d); /* whether it is still full is for deliver to say */
	else if (strcmp(class, "alias") == 0 || strcmp(class, "return") == 0)
		ask(d, "alias", alias_answered);
	else if (strcmp(class, "relay") == 0)
		ask_transport(d);
	else if (strcmp(class, "foreign") == 0)
		go_to_stranger(d);
	else if (strcmp(class, "unknown") == 0) {
		struct outcome o = outcome_make("5.1.1", "no such user here");
		delivery_ended(d, &o);
	} else
		lookup_failed(d, NULL, NULL);
}

/* A name that came back to itself through aliases: its mailbox, the host that has its domain's mail, or nothing. */
static void
mailbox_answered(void *context, const char *status, struct packet *answer)
{
	struct delivery *d = context;
	d->message->looking--;
	if (is_status(status, "ok"))
		local_deliver(d);
	else if (is_status(status, "no") && is_status(packet_field(answer), "relay"))
		ask_transport(d);
	else if (is_status(status, "no")) {
		struct outcome o = outcome_make("5.4.6", "the alias leads back to itself and there is no such mailbox");
		delivery_ended(d, &o);
	} else
		lookup_failed(d, status, answer);
}

void
delivery_resolve(struct delivery *d)
{
	if (delivery_recipient(d)->final)
		ask(d, "mailbox", mailbox_answered);
	else
		ask(d, "rcpt", class_answered);
}
