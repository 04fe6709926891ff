#include "smtpd/early.h"

#include <string.h>

#include "lib/base/log.h"
#include "smtpd/reply.h"
#include "smtpd/rules.h"

#define SHOWN_MOST 80 /* bytes of what was sent too early, for the log */

static void
turn_away(struct session *s)
{
	log_info("early-talker", log_text("client", s->peer.text), session_fact("name", s->peer.name),
	    log_slice("bytes", slice_first(input_buffered(&s->in), SHOWN_MOST)));
	s->counts.refused++;
	output_format(&s->out, "554 %s You spoke before you were greeted\r\n", s->config->hostname);
	s->closing = true;
	s->end = "early-talker";
}

/* Users' programs are not made to wait: port 25 alone. */
static bool
is_watched(const struct session *s)
{
	return !session_is_submission(s) && rules_apply(s) && strcmp(s->config->rules.early_talker, "refuse") == 0;
}

bool
early_greet(struct session *s)
{
	if (!is_watched(s))
		return true;
	int timeout = s->in.timeout;
	s->in.timeout = (int)s->config->rules.greet_delay * 1000;
	enum input_result r = input_fill(&s->in);
	s->in.timeout = timeout;
	if (r == INPUT_TIMEOUT)
		return true;
	if (r == INPUT_OK)
		turn_away(s);
	else
		session_gone(s, r);
	output_flush(&s->out);
	return false;
}

bool
early_pipelined(struct session *s, const struct verb *v)
{
	struct slice ahead = input_buffered(&s->in);
	bool waits = (v->flags & VERB_LAST) || !s->esmtp;
	if (!s->config->rules.strict_pipelining || !waits || ahead.len == 0 || !rules_apply(s))
		return false;
	log_info("pipelining", log_text("command", v->name), log_text("client", s->peer.text),
	    log_slice("bytes", slice_first(ahead, SHOWN_MOST)));
	s->counts.refused++;
	reply(s, 554, "5.5.0", "You did not wait for an answer");
	s->closing = true;
	s->end = "pipelining";
	return true;
}
