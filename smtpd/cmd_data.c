/*
 * DATA (RFC 5321 section 4.1.1.4): the message streams from the client to
 * queued; 250 only after queued's "ok". A user who is past a limit of authd's
 * gets it as well: his message is accepted, and held in the queue.
 */
#include "lib/mail/dotreader.h"
#include "smtpd/command.h"
#include "smtpd/limits.h"
#include "smtpd/message.h"
#include "smtpd/reply.h"

/* Reads to the end of the text. False when the client went away before it. */
static bool
take_text(struct session *s, struct message *m)
{
	struct dotreader dots = DOTREADER_START;
	limits_await_text(s);
	while (!dotreader_ended(&dots)) {
		struct slice have = input_buffered(&s->in);
		struct slice left = have;
		for (struct slice run; (run = dotreader_run(&dots, &left)).len > 0;) {
			m->bare = dots.bare && m->lines == LINES_JUDGED;
			message_take(s, m, run);
		}
		m->bare = dots.bare && m->lines == LINES_JUDGED;
		input_take(&s->in, have.len - left.len);
		if (dotreader_ended(&dots))
			break;
		enum input_result r = limits_read_text(s);
		if (r != INPUT_OK) {
			session_gone(s, r);
			return false;
		}
	}
	return true;
}

void
cmd_data(struct session *s, struct slice argument)
{
	(void)argument;
	if (!s->envelope.begun || s->envelope.recipient_count == 0) {
		reply(s, s->envelope.begun ? 554 : 503, "5.5.1", s->envelope.begun ? "No valid recipients" : "MAIL first");
		return;
	}
	if (s->envelope.said.body == BODY_BINARYMIME) {
		reply(s, 503, "5.5.1", "BODY=BINARYMIME needs BDAT");
		return;
	}
	struct message *m = &s->message;
	struct outcome o = message_begin(s, m, MESSAGE_DATA);
	if (!outcome_is_done(&o)) {
		m->begun = false;
		refuse_outcome(s, &o, "DATA", str_slice(&s->envelope.recipients));
	} else {
		reply(s, 354, NULL, "End with <CRLF>.<CRLF>");
		if (take_text(s, m))
			message_end(s, m);
		else
			message_forget(s, m);
	}
	session_reset(s);
}
