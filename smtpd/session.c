#include "smtpd/session.h"

#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "lib/front/smtp_line.h"
#include "lib/mail/address.h"
#include "smtpd/command.h"
#include "smtpd/early.h"
#include "smtpd/filters.h"
#include "smtpd/foresee.h"
#include "smtpd/limits.h"
#include "smtpd/reply.h"

/* Answers to pipelined commands go out together, when there is nothing left to read (RFC 2920). */
static void
flush(void *context)
{
	struct session *s = context;
	output_flush(&s->out);
}

void
session_begin(struct session *s, const struct config *config)
{
	int timeout = (int)config->timeout * 1000;
	s->config = config;
	s->begun_ms = clock_ms();
	s->end = "unknown";
	s->envelope.sender = STR_MOST(ADDRESS_PATH_MOST);
	s->envelope.recipients = STR_MOST(RECIPIENTS_BYTES);
	s->foreseen.addresses = STR_MOST(FORESEEN_MOST * ADDRESS_PATH_MOST);
	s->envelope.recipient_keys = STR_MOST(RECIPIENTS_BYTES);
	random_letters(s->id, sizeof s->id - 1);
	log_session("session", s->id);
	input_open(&s->in, STDIN_FILENO, timeout);
	s->in.before_wait = flush;
	s->in.context = s;
	output_open(&s->out, STDOUT_FILENO, timeout);
}

void
session_gone(struct session *s, enum input_result why)
{
	static const char *const words[] = {
	    [INPUT_OK] = "lost", [INPUT_END] = "client-closed", [INPUT_TIMEOUT] = "timeout", [INPUT_ERROR] = "lost",
	    [INPUT_TOO_LONG] = "endless-line"};
	if (s->closing)
		return;
	if (why == INPUT_TIMEOUT)
		reply_closing(s, "4.4.2", "Timeout", "timeout");
	if (why == INPUT_TOO_LONG)
		reply_closing(s, "4.7.0", "Line without an end", "endless-line");
	s->closing = true;
	s->end = words[why];
}

void
session_bad_line(struct session *s, struct slice line, const char *problem)
{
	reply(s, 500, "5.5.2", problem);
	if (!slice_starts_nocase(line, "BDAT"))
		return;
	s->closing = true;
	s->end = "chunk-without-size";
}

enum line_result
session_read(struct session *s, struct slice *line)
{
	const char *problem;
	*line = slice_of("");
	if (s->closing || limits_reached(s))
		return LINE_OVER;
	limits_await_line(s);
	enum input_result r = smtp_line_read(&s->in, AUTH_LINE_MOST, line, &problem);
	if (r != INPUT_OK) {
		session_gone(s, r);
		return LINE_OVER;
	}
	if (problem == NULL)
		return LINE_OK;
	session_bad_line(s, *line, problem);
	return s->closing ? LINE_OVER : LINE_BAD;
}

bool
session_line(struct session *s, struct slice *line)
{
	enum line_result r;
	do
		r = session_read(s, line);
	while (r == LINE_BAD);
	return r == LINE_OK;
}

void
session_reset(struct session *s)
{
	struct envelope *e = &s->envelope;
	if (s->message.begun)
		message_forget(s, &s->message);
	filters_reset(s);
	e->begun = e->hold_notice = false;
	e->said = (struct mail_parameters){.size = 0};
	e->size_most = 0;
	e->recipient_count = 0;
	s->names.sender_asked = false;
	e->queue_id[0] = e->hold[0] = '\0';
	str_clear(&e->sender);
	str_clear(&e->recipients);
	foresee_forget(s);
	str_clear(&e->recipient_keys);
}

static void
append_key(struct str *keys, const char *key, const char *value)
{
	if (value[0] != '\0')
		str_append_format(keys, "%s%s=%s", keys->len > 0 && keys->data[keys->len - 1] != '\0' ? " " : "", key, value);
}

bool
session_add_recipient(struct session *s, struct slice address, const struct rcpt_parameters *said)
{
	struct envelope *e = &s->envelope;
	size_t addresses = e->recipients.len, keys = e->recipient_keys.len;
	str_append_slice(&e->recipients, address);
	str_append_byte(&e->recipients, '\0');
	if (said != NULL) {
		append_key(&e->recipient_keys, "notify", said->notify);
		append_key(&e->recipient_keys, "orcpt", said->orcpt);
	}
	str_append_byte(&e->recipient_keys, '\0');
	if (!e->recipients.failed && !e->recipient_keys.failed) {
		e->recipient_count++;
		return true;
	}
	e->recipients.failed = e->recipient_keys.failed = false;
	str_truncate(&e->recipients, addresses);
	str_truncate(&e->recipient_keys, keys);
	return false;
}

bool
session_is_submission(const struct session *s)
{
	return s->config->mode != MODE_SMTP;
}

bool
session_logged_in(const struct session *s)
{
	return s->login_name[0] != '\0';
}

bool
session_offers_auth(const struct session *s)
{
	return s->services.login.socket >= 0 && s->services.login.mechanisms[0] != '\0' &&
	    (s->encrypted || s->config->plain_without_tls);
}

bool
session_offers_tls(const struct session *s)
{
	return s->services.tls >= 0 && !s->encrypted;
}

struct log_field
session_fact(const char *key, const char *value)
{
	return log_text(value[0] != '\0' ? key : NULL, value);
}

void
session_greet(struct session *s)
{
	output_format(&s->out, "220 %s %s\r\n", s->config->hostname, s->config->rules.banner);
}

void
session_run(struct session *s)
{
	struct slice line;
	if (!early_greet(s))
		return;
	filters_connect(s);
	session_greet(s);
	output_flush(&s->out);
	log_info("connect", log_text("client", s->peer.text), session_fact("name", s->peer.name),
	    session_fact("tls", s->tls.version), session_fact("certificate", s->tls.client_name),
	    session_fact("relay", s->relay_client ? "yes" : ""));
	while (session_line(s, &line)) {
		command_run(s, line);
		if (s->out.failed)
			session_gone(s, INPUT_ERROR);
	}
	output_flush(&s->out);
}

void
session_end(struct session *s)
{
	session_reset(s);
	filters_end(s);
	log_info("disconnect", log_text("client", s->peer.text), log_text("end", s->end),
	    log_number("messages", (int64_t)s->counts.messages), log_number("recipients", (int64_t)s->counts.recipients),
	    log_number("refused", (int64_t)s->counts.refused), log_number("errors", (int64_t)s->counts.errors),
	    log_number("ms", clock_ms() - s->begun_ms));
}

int
session_lookup_patience(const struct session *s)
{
	return (int)(s->config->lookup_timeout * 1000);
}

int
session_queue_patience(const struct session *s)
{
	return (int)(s->config->queue_timeout * 1000);
}
