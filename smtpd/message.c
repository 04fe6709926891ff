#include "smtpd/message.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "smtpd/filters.h"
#include "smtpd/intake.h"
#include "smtpd/received.h"
#include "smtpd/reply.h"
#include "smtpd/services.h"

/* What is wrong with the text so far, or done. */
static struct outcome
judge(const struct session *s, const struct message *m)
{
	if (m->bare)
		return outcome_make("5.6.0", "Bare CR or LF in the message: lines end in CRLF");
	if (m->size > s->config->message_size || (s->envelope.size_most > 0 && m->size > s->envelope.size_most))
		return outcome_make("5.3.4", "The message is larger than the limit");
	if (m->hops.count > HOPS_MOST)
		return outcome_make("5.4.6", "Too many hops: the message goes in circles");
	if (m->dropped)
		return outcome_make("4.3.0", "The queue broke while it took the message");
	return outcome_done();
}

static bool
write_received(struct session *s)
{
	struct str line = STR_MOST(RECEIVED_MOST);
	bool ok = received_print(&line, s, clock_unix()) && intake_write(s, str_slice(&line));
	str_free(&line);
	return ok;
}

struct outcome
message_begin(struct session *s, struct message *m)
{
	*m = (struct message){.size = 0};
	if (session_logged_in(s) && !services_outgoing(s))
		return outcome_make("4.3.0", "Temporary lookup failure");
	struct outcome o = filters_data(s);
	m->filtered = filters_take_text(s);
	if (!outcome_is_done(&o) || m->filtered)
		return o;
	o = intake_open(s);
	if (outcome_is_done(&o))
		m->dropped = !intake_write(s, filters_prepended(s)) || !write_received(s);
	return o;
}

/* With filters nothing is at the intake before the end. */
static void
give_up(struct session *s, const struct message *m)
{
	if (!m->filtered)
		intake_abort(s);
}

void
message_take(struct session *s, struct message *m, struct slice bytes)
{
	m->size += bytes.len;
	hops_feed(&m->hops, bytes);
	if (m->dropped)
		return;
	struct outcome o = judge(s, m);
	if (!outcome_is_done(&o)) {
		m->dropped = true;
		give_up(s, m);
	} else if (m->filtered) {
		filters_text(s, bytes);
	} else if (!intake_write(s, bytes)) {
		m->dropped = true;
	}
}

static void
accepted(struct session *s, const struct message *m)
{
	const struct envelope *e = &s->envelope;
	log_info("accepted", log_text("queue", e->queue_id), log_slice("from", str_slice(&e->sender)),
	    log_text("to", str_text(&e->recipients)), log_number("recipients", (int64_t)e->recipient_count),
	    log_number("size", (int64_t)m->size), log_text("client", s->peer.text), log_text("helo", s->helo),
	    log_text("protocol", intake_protocol(s)), session_fact("tls", s->tls.version),
	    session_fact("certificate", s->tls.client_name), session_fact("login", s->login_name),
	    session_fact("hold", e->hold), log_number("ms", clock_ms() - e->begun_ms));
	s->counts.messages++;
	s->counts.recipients += e->recipient_count;
	s->counts.idle = 0;
	output_format(&s->out, "250 2.0.0 Ok: queued as %s\r\n", e->queue_id);
}

void
message_end(struct session *s, struct message *m)
{
	struct outcome o = judge(s, m);
	if (outcome_is_done(&o) && m->filtered && !filters_message(s, m->size))
		return;
	if (outcome_is_done(&o))
		o = intake_commit(s);
	else if (!m->dropped)
		give_up(s, m);
	if (outcome_is_done(&o))
		accepted(s, m);
	else
		refuse_outcome(s, &o, "DATA", slice_of(s->envelope.queue_id));
}

void
message_forget(struct session *s, struct message *m)
{
	log_info("message-lost", log_text("queue", s->envelope.queue_id),
	    log_slice("from", str_slice(&s->envelope.sender)), log_text("client", s->peer.text),
	    log_number("size", (int64_t)m->size), log_text("reason", s->end));
	if (!m->dropped)
		give_up(s, m);
}
