#include "smtpd/message.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "smtpd/filters.h"
#include "smtpd/intake.h"
#include "smtpd/received.h"
#include "smtpd/reply.h"
#include "smtpd/services.h"
#include "smtpd/session.h"

#define LOGGED_RECIPIENTS 10 /* of a message; `recipients` says how many there are */

struct outcome
message_judge(const struct session *s, const struct message *m)
{
	if (!outcome_is_done(&m->trouble))
		return m->trouble;
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

static enum message_lines
lines_of(const struct session *s, enum message_command command)
{
	if (command == MESSAGE_BDAT && s->envelope.said.body == BODY_BINARYMIME)
		return LINES_ANY;
	if (s->config->bare_newline == BARE_NEWLINE_NORMALIZE)
		return LINES_NORMALIZED;
	return command == MESSAGE_DATA ? LINES_JUDGED : LINES_LOOKED_AT;
}

static struct outcome
open_at_queue(struct session *s, struct message *m)
{
	if (session_logged_in(s) && !services_outgoing(s))
		return outcome_make("4.3.0", "Temporary lookup failure");
	struct outcome o = filters_data(s);
	m->filtered = filters_take_text(s);
	return outcome_is_done(&o) && !m->filtered ? intake_open(s) : o;
}

/* What stands in front of the text; with filters it is written at the end. */
static bool
write_front(struct session *s, const struct message *m)
{
	return m->filtered || (intake_write(s, filters_prepended(s)) && received_write(s));
}

static void
give_up(struct session *s, const struct message *m)
{
	if (!m->filtered)
		intake_abort(s);
}

struct outcome
message_begin(struct session *s, struct message *m, enum message_command command)
{
	*m = (struct message){.begun = true, .command = command, .lines = lines_of(s, command)};
	m->ends.normalize = m->lines == LINES_NORMALIZED;
	m->completes = session_logged_in(s);
	m->trouble = open_at_queue(s, m);
	m->dropped = !outcome_is_done(&m->trouble);
	if (!m->dropped && !write_front(s, m)) {
		m->dropped = true;
		give_up(s, m);
	}
	if (m->completes)
		completion_begin(&m->completion, s->envelope.queue_id, s->config->hostname, clock_unix());
	return m->trouble;
}

/* The way's last station: the bytes as they are to stand in the queue. */
static void
put(struct session *s, struct message *m, struct slice bytes)
{
	hops_feed(&m->hops, bytes);
	if (m->dropped)
		return;
	struct outcome o = message_judge(s, m);
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
complete(struct session *s, struct message *m, struct slice bytes)
{
	if (!m->completes)
		put(s, m, bytes);
	else
		for (struct slice run; (run = completion_run(&m->completion, &bytes)).len > 0;)
			put(s, m, run);
}

static void
resume(struct session *s, struct message *m)
{
	if (m->paused && !m->dropped && !m->filtered)
		intake_resume(s);
	m->paused = false;
}

void
message_take(struct session *s, struct message *m, struct slice bytes)
{
	m->size += bytes.len;
	resume(s, m);
	if (m->lines == LINES_JUDGED || m->lines == LINES_ANY) {
		complete(s, m, bytes);
		return;
	}
	for (struct slice run; (run = line_ends_run(&m->ends, &bytes)).len > 0;) {
		m->bare = m->ends.bare && !m->ends.normalize;
		complete(s, m, run);
	}
}

void
message_pause(struct session *s, struct message *m)
{
	if (!m->dropped && !m->filtered && !m->paused && !intake_pause(s))
		m->dropped = true;
	m->paused = true;
}

/* What only the end of the text tells: the end of its last line, and that there is no more header. */
static void
finish_text(struct session *s, struct message *m)
{
	resume(s, m);
	if (m->lines == LINES_LOOKED_AT || m->lines == LINES_NORMALIZED) {
		struct slice lacking = line_ends_finish(&m->ends);
		m->bare = m->ends.bare && !m->ends.normalize;
		complete(s, m, lacking);
	}
	if (m->completes)
		for (struct slice run; (run = completion_finish(&m->completion)).len > 0;)
			put(s, m, run);
}

/* Adds `to` for each recipient as far as the line has room. Returns how many fields there are then. */
static size_t
add_recipients(const struct envelope *e, struct log_field *fields, size_t count)
{
	const char *to = str_text(&e->recipients);
	for (size_t i = 0; i < e->recipient_count && i < LOGGED_RECIPIENTS; i++) {
		fields[count++] = log_text("to", to);
		to += strlen(to) + 1;
	}
	return count;
}

/* Recipients stand last, because a line that is full is cut. `commit_ms`: how long the queue took to make it durable. */
static void
log_accepted(const struct session *s, const struct message *m, int64_t commit_ms)
{
	const struct envelope *e = &s->envelope;
	struct log_field fields[32 + LOGGED_RECIPIENTS] = {
	    log_text("queue", e->queue_id), log_slice("from", str_slice(&e->sender)),
	    log_number("recipients", (int64_t)e->recipient_count), log_number("size", (int64_t)m->size),
	    log_text("client", s->peer.text), session_fact("name", s->peer.name), log_text("helo", s->helo),
	    log_text("protocol", intake_protocol(s)), session_fact("tls", s->tls.version),
	    session_fact("cipher", s->tls.cipher), session_fact("certificate", s->tls.client_name),
	    session_fact("login", s->login_name), session_fact("mechanism", s->mechanism), session_fact("hold", e->hold),
	    log_number("commit_ms", commit_ms), log_number("ms", clock_ms() - e->begun_ms)};
	log_write(LOG_INFO, "accepted", fields, add_recipients(e, fields, 32));
}

static void
accepted(struct session *s, const struct message *m, int64_t commit_ms)
{
	log_accepted(s, m, commit_ms);
	s->counts.messages++;
	s->counts.recipients += s->envelope.recipient_count;
	s->counts.idle = 0;
	output_format(&s->out, "250 2.0.0 Ok: queued as %s\r\n", s->envelope.queue_id);
}

static const char *
command_name(const struct message *m)
{
	return m->command == MESSAGE_DATA ? "DATA" : "BDAT";
}

void
message_end(struct session *s, struct message *m)
{
	finish_text(s, m);
	m->begun = false;
	struct outcome o = message_judge(s, m);
	if (outcome_is_done(&o) && m->filtered && !filters_message(s))
		return;
	int64_t ended_ms = clock_ms();
	if (outcome_is_done(&o))
		o = intake_commit(s);
	else if (!m->dropped)
		give_up(s, m);
	if (outcome_is_done(&o))
		accepted(s, m, clock_ms() - ended_ms);
	else
		refuse_outcome(s, &o, command_name(m), slice_of(s->envelope.queue_id));
}

void
message_forget(struct session *s, struct message *m)
{
	log_info("message-lost", log_text("queue", s->envelope.queue_id),
	    log_slice("from", str_slice(&s->envelope.sender)), log_text("client", s->peer.text),
	    log_number("size", (int64_t)m->size), log_text("reason", s->closing ? s->end : "given-up"));
	if (!m->dropped)
		give_up(s, m);
	m->begun = false;
}
