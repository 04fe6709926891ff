/*
 * DATA of LMTP (RFC 2033 section 4.2): the message goes into a file without a
 * name, then to the recipients; each gets an answer of his own, and "250" only
 * for what is durable in his Maildir.
 */
#include "deliver/lmtp_session.h"
#include "lib/mail/dotreader.h"

/* Reads to the end of the text. False when the client went away before it. */
static bool
take_text(struct lmtp_session *s)
{
	struct dotreader dots = DOTREADER_START;
	while (!dotreader_ended(&dots)) {
		struct slice have = input_buffered(&s->in);
		struct slice left = have;
		for (struct slice run; (run = dotreader_run(&dots, &left)).len > 0;)
			lmtp_text_add(s, run);
		input_take(&s->in, have.len - left.len);
		s->text.bare = dots.bare && !s->config->normalize;
		if (dotreader_ended(&dots))
			break;
		enum input_result r = input_fill(&s->in);
		if (r != INPUT_OK) {
			lmtp_gone(s, r);
			return false;
		}
	}
	return true;
}

void
lmtp_data(struct lmtp_session *s)
{
	lmtp_reply(s, 354, NULL, "End with <CRLF>.<CRLF>");
	lmtp_text_begin(s, true);
	if (take_text(s))
		lmtp_text_end(s);
	else
		lmtp_text_lost(s);
}
