#include "smtpd/reply.h"

#include <string.h>

#include "lib/base/log.h"

void
reply_part(struct session *s, unsigned code, const char *text)
{
	output_format(&s->out, "%u-%s\r\n", code, text);
}

void
reply(struct session *s, unsigned code, const char *enhanced, const char *text)
{
	if (code >= 500)
		s->counts.errors++;
	output_format(&s->out, "%u %s%s%s\r\n", code, enhanced != NULL ? enhanced : "", enhanced != NULL ? " " : "", text);
}

void
refuse(struct session *s, unsigned code, const char *enhanced, const char *text, const char *what, struct slice about)
{
	s->counts.refused++;
	log_info("refused", session_fact("queue", s->envelope.queue_id), log_text("command", what), log_slice("about", about),
	    log_slice("from", str_slice(&s->envelope.sender)), log_text("client", s->peer.text), log_number("code", code),
	    log_text("status", enhanced), log_text("reason", text));
	reply(s, code, enhanced, text);
}

/* The SMTP code for an enhanced one: what is temporary stays temporary. */
static unsigned
code_for(const struct outcome *o)
{
	if (o->class == OUTCOME_PERMANENT)
		return strcmp(o->code, "5.3.4") == 0 || strcmp(o->code, "5.2.3") == 0 ? 552 : 554;
	return strcmp(o->code, "4.3.1") == 0 || strcmp(o->code, "4.2.2") == 0 ? 452 : 451;
}

void
refuse_outcome(struct session *s, const struct outcome *o, const char *what, struct slice about)
{
	refuse(s, code_for(o), o->code, o->text, what, about);
}

void
reply_closing(struct session *s, const char *enhanced, const char *text, const char *why)
{
	output_format(&s->out, "421 %s %s %s\r\n", enhanced, s->config->hostname, text);
	s->closing = true;
	s->end = why;
}
