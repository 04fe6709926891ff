/* The ways of a recipient that is no mailbox and no alias: what its transport says, and under which sender it goes. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/mail/transport.h"
#include "queue/manager.h"
#include "queue/resolve.h"

/* --- other hosts ---------------------------------------------------------------------- */

static void
go_outward(struct delivery *d, const char *transport)
{
	struct message *m = d->message;
	d->transport = strdup(transport);
	if (d->transport == NULL) {
		resolve_failed(d, NULL, NULL);
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
	d->message->held_recipients++;
	delivery_ended(d, &o);
}

/* After a person has released it: the mailbox, or the way that there is without this transport. */
static void
released_answered(void *context, const char *status, struct packet *answer)
{
	struct delivery *d = context;
	d->message->looking--;
	if (resolve_is(status, "ok"))
		local_deliver(d);
	else if (resolve_is(status, "no"))
		go_outward(d, manager.settings->relay_host);
	else
		resolve_failed(d, status, answer);
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
		resolve_failed(d, NULL, NULL);
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
			resolve_ask(d, "mailbox", released_answered);
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
	const char *transport = resolve_is(status, "ok") ? packet_field(answer) : NULL;
	if (transport != NULL)
		act_on(d, transport);
	else if (resolve_is(status, "no"))
		act_on(d, "");
	else
		resolve_failed(d, status, answer);
}

void
way_ask(struct delivery *d)
{
	client_begin(&manager.lookup, &manager.out, "transport");
	packet_add(&manager.out, delivery_recipient(d)->address);
	packet_add(&manager.out, d->message->file.sender);
	resolve_send(d, transport_answered);
}

/* Nobody here; where a transport says why, in its words. */
static void
unknown_answered(void *context, const char *status, struct packet *answer)
{
	struct delivery *d = context;
	d->message->looking--;
	const char *transport = resolve_is(status, "ok") ? packet_field(answer) : NULL;
	struct outcome o = outcome_make("5.1.1", "no such user here");
	if (transport != NULL && transport_kind(slice_of(transport)) == TRANSPORT_ERROR)
		o = transport_outcome(slice_of(transport));
	if (transport != NULL || resolve_is(status, "no"))
		delivery_ended(d, &o);
	else
		resolve_failed(d, status, answer);
}

void
way_of_unknown(struct delivery *d)
{
	resolve_ask(d, "transport", unknown_answered);
}

/* --- forwarding to strangers ----------------------------------------------------------- */

static void
forward_answered(void *context, const char *status, struct packet *answer)
{
	struct delivery *d = context;
	d->message->looking--;
	const char *sender = resolve_is(status, "ok") ? packet_field(answer) : NULL;
	if (sender != NULL) {
		d->sender = strdup(sender);
		log_info("forwarded", log_text("queue", d->message->name), log_slice("to", delivery_recipient(d)->address), log_text("sender", sender));
	}
	if (resolve_is(status, "no") || d->sender != NULL)
		way_ask(d);
	else
		resolve_failed(d, status, answer);
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

void
way_to_stranger(struct delivery *d)
{
	if (!is_forwarded(d)) {
		way_ask(d);
		return;
	}
	client_begin(&manager.lookup, &manager.out, "forward");
	packet_add(&manager.out, d->message->file.sender);
	resolve_send(d, forward_answered);
}
