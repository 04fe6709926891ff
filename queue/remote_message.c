#include "queue/remote_session.h"

static void
end_taken(struct session *s, struct outcome o)
{
	/* Without DSN it passes on nobody's wish for a report: RFC 3461 section 5.2.2. */
	o.relayed = outcome_is_done(&o) && !s->offers.dsn;
	errand_end_all(s->errand, ERRAND_TAKEN, &o);
}

static bool
cut(struct session *s)
{
	s->dead = true;
	*s->trouble = outcome_make("4.3.0", "the queue file could not be read");
	return false;
}

static bool
send_text(struct session *s)
{
	struct body body = {.out = &s->out, .kind = BODY_DOTS};
	if (s->chunk)
		body.kind = s->form == FORM_BINARY ? BODY_BYTES : BODY_LINES;
	s->out.timeout = errand_patience(s->errand, s->settings->times[STEP_BLOCK]);
	return session_write_message(s, &body) || cut(s);
}

/* One chunk with all of it: RFC 3030 section 2. */
static bool
send_chunk(struct session *s)
{
	output_format(&s->out, "BDAT %llu LAST\r\n", (unsigned long long)s->length);
	return send_text(s);
}

bool
session_send_early(struct session *s)
{
	if (s->eager)
		return send_chunk(s);
	if (!s->chunk)
		output_text(&s->out, "DATA\r\n");
	return true;
}

/* --- what it thinks of it ------------------------------------------------------------------------- */

/* It may have taken the message: no other host gets it now, so that it does not come twice. */
static bool
read_verdict(struct session *s)
{
	if (!session_read(s, "the message", STEP_FINAL)) {
		end_taken(s, *s->trouble);
		return true;
	}
	s->dirty = false;
	end_taken(s, reply_outcome(&s->reply, s->server, "the message", "6.0"));
	return true;
}

/* One answer for each that was taken, in their order: RFC 2033 section 4.2. */
static bool
read_verdicts(struct session *s)
{
	struct errand *e = s->errand;
	for (size_t i = 0; i < e->count; i++) {
		if (e->recipients[i].state != ERRAND_TAKEN)
			continue;
		if (!session_read(s, "the message", STEP_FINAL)) {
			end_taken(s, *s->trouble);
			return true;
		}
		struct outcome o = reply_outcome(&s->reply, s->server, "the message", "6.0");
		o.relayed = outcome_is_done(&o) && !s->offers.dsn;
		errand_end(e, i, &o);
	}
	s->dirty = false;
	return true;
}

static bool
finish(struct session *s)
{
	return s->lmtp ? read_verdicts(s) : read_verdict(s);
}

/* Nobody is there to take it, and the command was sent already: the server refuses it, or gets an empty message that it refuses. */
static bool
give_up(struct session *s)
{
	if (!session_read(s, "DATA", STEP_DATA))
		return errand_is_over(s->errand);
	if (s->chunk || s->reply.code != 354)
		return true;
	/* An LMTP server would answer for nobody, so there is nothing to wait for. */
	s->dead = s->lmtp;
	if (s->dead)
		return true;
	output_text(&s->out, ".\r\n");
	return session_read(s, "DATA", STEP_DATA) || errand_is_over(s->errand);
}

/* DATA was refused, or answered with nonsense: then nobody knows what the server waits for. */
static bool
refused(struct session *s)
{
	if (session_is_closing(s))
		return session_unwilling(s, "DATA");
	struct outcome o = reply_outcome(&s->reply, s->server, "DATA", "3.0");
	if (outcome_is_done(&o)) {
		s->dead = true;
		o = outcome_make("4.5.0", "%s", o.text);
	}
	end_taken(s, o);
	return true;
}

bool
session_send_message(struct session *s, bool early)
{
	if (errand_count(s->errand, ERRAND_TAKEN) == 0)
		return !early || (s->chunk && !s->eager) || give_up(s);
	if (s->chunk)
		return ((early && s->eager) || send_chunk(s)) && finish(s);
	if (!early)
		output_text(&s->out, "DATA\r\n");
	if (!session_read(s, "DATA", STEP_DATA))
		return false;
	if (s->reply.code != 354)
		return refused(s);
	return send_text(s) && finish(s);
}
