#include "deliver/lmtp_session.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/random.h"
#include "lib/front/smtp_line.h"
#include "lib/mail/address.h"

/* Answers to pipelined commands go out together, when there is nothing left to read (RFC 2920). */
static void
flush(void *context)
{
	struct lmtp_session *s = context;
	output_flush(&s->out);
}

void
lmtp_begin(struct lmtp_session *s, const struct lmtp_config *config)
{
	int timeout = (int)config->timeout * 1000;
	s->config = config;
	s->end = "unknown";
	s->services = LMTP_SERVICES_NONE;
	s->sender = STR_MOST(ADDRESS_PATH_MOST);
	s->recipients = STR_MOST(LMTP_RECIPIENT_BYTES);
	random_letters(s->id, sizeof s->id - 1);
	log_session("session", s->id);
	input_open(&s->in, STDIN_FILENO, timeout);
	s->in.before_wait = flush;
	s->in.context = s;
	output_open(&s->out, STDOUT_FILENO, timeout);
}

void
lmtp_reset(struct lmtp_session *s)
{
	s->begun = s->smtputf8 = s->text.begun = false;
	s->recipient_count = 0;
	str_clear(&s->sender);
	str_clear(&s->recipients);
}

/* --- answers ------------------------------------------------------------------- */

void
lmtp_reply(struct lmtp_session *s, unsigned code, const char *enhanced, const char *text)
{
	output_format(&s->out, "%u %s%s%s\r\n", code, enhanced != NULL ? enhanced : "", enhanced != NULL ? " " : "", text);
}

/* The code for an enhanced one: what is temporary stays temporary. */
static unsigned
code_for(const struct outcome *o)
{
	if (o->class == OUTCOME_DONE)
		return 250;
	if (o->class == OUTCOME_TEMPORARY)
		return strcmp(o->code, "4.3.1") == 0 || strcmp(o->code, "4.2.2") == 0 || strcmp(o->code, "4.5.3") == 0 ? 452 : 451;
	if (strncmp(o->code, "5.1.", 4) == 0)
		return 550;
	return strcmp(o->code, "5.3.4") == 0 || strcmp(o->code, "5.2.2") == 0 ? 552 : 554;
}

void
lmtp_reply_outcome(struct lmtp_session *s, const struct outcome *o, const char *address)
{
	output_format(&s->out, "%u %s ", code_for(o), o->code);
	if (address != NULL)
		output_format(&s->out, "<%s> ", address);
	output_format(&s->out, "%s\r\n", o->text);
}

void
lmtp_error(struct lmtp_session *s, unsigned code, const char *enhanced, const char *text)
{
	lmtp_reply(s, code, enhanced, text);
	if (++s->errors >= LMTP_ERRORS_MOST)
		lmtp_close(s, "4.7.0", "Too many errors", "too-many-errors");
}

void
lmtp_close(struct lmtp_session *s, const char *enhanced, const char *text, const char *why)
{
	if (s->closing)
		return;
	output_format(&s->out, "421 %s %s %s\r\n", enhanced, s->config->hostname, text);
	s->closing = true;
	s->end = why;
}

/* --- lines ---------------------------------------------------------------------- */

void
lmtp_gone(struct lmtp_session *s, enum input_result why)
{
	if (s->closing)
		return;
	if (why == INPUT_TIMEOUT)
		lmtp_close(s, "4.4.2", "Timeout", "timeout");
	else if (why == INPUT_TOO_LONG)
		lmtp_close(s, "4.7.0", "Line without an end", "endless-line");
	s->end = s->closing ? s->end : why == INPUT_END ? "client-closed" : "lost";
	s->closing = true;
}

static void
next_line(struct lmtp_session *s)
{
	struct slice line;
	const char *problem;
	enum input_result r = smtp_line_read(&s->in, LMTP_LINE_MOST, &line, &problem);
	if (r != INPUT_OK)
		lmtp_gone(s, r);
	else if (problem != NULL)
		lmtp_error(s, 500, "5.5.2", problem);
	else
		lmtp_command(s, line);
}

void
lmtp_run(struct lmtp_session *s)
{
	output_format(&s->out, "220 %s LMTP Postern\r\n", s->config->hostname);
	output_flush(&s->out);
	while (!s->closing) {
		next_line(s);
		if (s->out.failed)
			lmtp_gone(s, INPUT_ERROR);
	}
	output_flush(&s->out);
}

void
lmtp_end(struct lmtp_session *s)
{
	log_info("disconnect", log_text("client", s->client), log_text("end", s->end),
	    log_number("messages", (int64_t)s->messages), log_number("delivered", (int64_t)s->delivered),
	    log_number("errors", (int64_t)s->errors));
}
