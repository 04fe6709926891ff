/*
 * DATA (RFC 5321 section 4.1.1.4): the message streams from the client to
 * queued; 250 only after queued's "ok". A user who is past a limit of authd's
 * gets it as well: his message is accepted, and held in the queue.
 */
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/mail/dotreader.h"
#include "smtpd/command.h"
#include "smtpd/hops.h"
#include "smtpd/intake.h"
#include "smtpd/received.h"
#include "smtpd/reply.h"
#include "smtpd/services.h"

struct text {
	struct dotreader dots;
	struct hops      hops;
	uint64_t         size;
	bool             dropped; /* it will not be accepted: the rest is read and thrown away */
};

/* What is wrong with the text so far, or done. */
static struct outcome
judge(const struct session *s, const struct text *t)
{
	if (t->dots.bare)
		return outcome_make("5.6.0", "Bare CR or LF in the message: lines end in CRLF");
	if (t->size > s->config->message_size || (s->envelope.size_most > 0 && t->size > s->envelope.size_most))
		return outcome_make("5.3.4", "The message is larger than the limit");
	if (t->hops.count > HOPS_MOST)
		return outcome_make("5.4.6", "Too many hops: the message goes in circles");
	if (t->dropped)
		return outcome_make("4.3.0", "The queue broke while it took the message");
	return outcome_done();
}

static void
take_run(struct session *s, struct text *t, struct slice run)
{
	t->size += run.len;
	hops_feed(&t->hops, run);
	if (t->dropped)
		return;
	struct outcome o = judge(s, t);
	if (!outcome_is_done(&o)) {
		t->dropped = true;
		intake_abort(s);
	} else if (!intake_write(s, run)) {
		t->dropped = true;
	}
}

/* Reads to the end of the text. False when the client went away before it. */
static bool
take_text(struct session *s, struct text *t)
{
	while (!dotreader_ended(&t->dots)) {
		struct slice have = input_buffered(&s->in);
		struct slice left = have;
		for (struct slice run; (run = dotreader_run(&t->dots, &left)).len > 0;)
			take_run(s, t, run);
		input_take(&s->in, have.len - left.len);
		if (dotreader_ended(&t->dots))
			break;
		enum input_result r = input_fill(&s->in);
		if (r != INPUT_OK) {
			session_gone(s, r);
			return false;
		}
	}
	return true;
}

static bool
write_received(struct session *s)
{
	struct str line = STR_MOST(RECEIVED_MOST);
	bool ok = received_print(&line, s, clock_unix()) && intake_write(s, str_slice(&line));
	str_free(&line);
	return ok;
}

static void
accepted(struct session *s, const struct text *t)
{
	const struct envelope *e = &s->envelope;
	log_info("accepted", log_text("queue", e->queue_id), log_slice("from", str_slice(&e->sender)),
	    log_text("to", str_text(&e->recipients)), log_number("recipients", (int64_t)e->recipient_count),
	    log_number("size", (int64_t)t->size), log_text("client", s->peer.text), log_text("helo", s->helo),
	    log_text("protocol", intake_protocol(s)), session_fact("tls", s->tls.version),
	    session_fact("certificate", s->tls.client_name), session_fact("login", s->login_name),
	    session_fact("hold", e->hold), log_number("ms", clock_ms() - e->begun_ms));
	s->counts.messages++;
	s->counts.recipients += e->recipient_count;
	s->counts.idle = 0;
	output_format(&s->out, "250 2.0.0 Ok: queued as %s\r\n", e->queue_id);
}

/* The client went in the middle: nothing was promised, nothing is kept. */
static void
forget(struct session *s, const struct text *t)
{
	log_info("message-lost", log_text("queue", s->envelope.queue_id),
	    log_slice("from", str_slice(&s->envelope.sender)), log_text("client", s->peer.text),
	    log_number("size", (int64_t)t->size), log_text("reason", s->end));
	if (!t->dropped)
		intake_abort(s);
}

static void
take_message(struct session *s)
{
	struct text t = {.dots = DOTREADER_START};
	reply(s, 354, NULL, "End with <CRLF>.<CRLF>");
	t.dropped = !write_received(s);
	if (!take_text(s, &t)) {
		forget(s, &t);
		return;
	}
	struct outcome o = judge(s, &t);
	if (outcome_is_done(&o))
		o = intake_commit(s);
	else if (!t.dropped)
		intake_abort(s);
	if (outcome_is_done(&o))
		accepted(s, &t);
	else
		refuse_outcome(s, &o, "DATA", slice_of(s->envelope.queue_id));
}

void
cmd_data(struct session *s, struct slice argument)
{
	(void)argument;
	if (!s->envelope.begun || s->envelope.recipient_count == 0) {
		reply(s, s->envelope.begun ? 554 : 503, "5.5.1", s->envelope.begun ? "No valid recipients" : "MAIL first");
		return;
	}
	struct outcome o = outcome_make("4.3.0", "Temporary lookup failure");
	if (!session_logged_in(s) || services_outgoing(s))
		o = intake_open(s);
	if (outcome_is_done(&o))
		take_message(s);
	else
		refuse_outcome(s, &o, "DATA", str_slice(&s->envelope.recipients));
	session_reset(s);
}
