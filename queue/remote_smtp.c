#include "queue/remote_smtp.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "queue/remote_session.h"

bool
session_broken(struct session *s, const char *step, enum reply_result r)
{
	static const char *const reasons[] = {"", "it closed the connection", "it did not answer in time", "its answer is not SMTP"};
	*s->trouble = outcome_make("4.4.2", "%s, %s: %s", s->server, step, reasons[r]);
	return false;
}

bool
session_unwilling(struct session *s, const char *step)
{
	*s->trouble = reply_outcome(&s->reply, s->server, step, "4.0");
	/* What it says before the envelope is about the server, not about the mail: another one, or later. */
	if (s->trouble->class != OUTCOME_TEMPORARY)
		*s->trouble = outcome_make("4.4.0", "%s", s->trouble->text);
	return false;
}

bool
session_read(struct session *s, const char *step)
{
	enum reply_result r = reply_read(&s->in, &s->reply, NULL, NULL);
	return r == REPLY_OK || session_broken(s, step, r);
}

bool
session_is_closing(const struct session *s)
{
	return s->reply.code == 421;
}

/* --- greeting ---------------------------------------------------------------------------- */

static void
note_size(struct offers *o, struct cursor *c)
{
	o->size = true;
	cursor_skip_spaces(c);
	if (!cursor_take_number(c, INT64_MAX, &o->size_most))
		o->size_most = 0;
}

static void
note_extension(void *context, struct slice text)
{
	struct offers *o = context;
	const struct {
		const char *keyword;
		bool       *offered;
	} known[] = {
	    {"PIPELINING", &o->pipelining}, {"8BITMIME", &o->eight_bit}, {"SMTPUTF8", &o->utf8}, {"DSN", &o->dsn},
	    {"CHUNKING", &o->chunking}, {"BINARYMIME", &o->binary}, {"STARTTLS", &o->starttls}, {"REQUIRETLS", &o->require_tls},
	};
	if (o->lines++ == 0)
		return; /* the server's name */
	struct slice keyword = slice_first(text, slice_find(text, ' '));
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (slice_is_nocase(keyword, known[i].keyword))
			*known[i].offered = true;
	struct cursor c = cursor_over(text);
	if (cursor_take_nocase(&c, "SIZE"))
		note_size(o, &c);
}

static bool
say_hello(struct session *s)
{
	memset(&s->offers, 0, sizeof s->offers);
	output_format(&s->out, "EHLO %s\r\n", s->settings->hostname);
	output_flush(&s->out);
	enum reply_result r = reply_read(&s->in, &s->reply, note_extension, &s->offers);
	if (r != REPLY_OK)
		return session_broken(s, "EHLO", r);
	if (s->reply.code / 100 == 2)
		return true;
	memset(&s->offers, 0, sizeof s->offers);
	if (s->plain >= 0)
		return session_unwilling(s, "EHLO"); /* it knew TLS, so it knows EHLO */
	output_format(&s->out, "HELO %s\r\n", s->settings->hostname);
	output_flush(&s->out);
	if (!session_read(s, "HELO"))
		return false;
	return s->reply.code / 100 == 2 || session_unwilling(s, "HELO");
}

static bool
be_greeted(struct session *s)
{
	if (!session_read(s, "greeting"))
		return false;
	return s->reply.code / 100 == 2 || session_unwilling(s, "connection");
}

/* Who asked for REQUIRETLS gets it or nothing: RFC 8689 section 4.2.1. */
static bool
keeps_requirement(struct session *s)
{
	if (!s->errand->require_tls || (s->verified && s->offers.require_tls))
		return true;
	*s->trouble = outcome_make("5.7.30", "the sender requires TLS all the way, and %s %s", s->server,
	    s->plain < 0 ? "does not offer TLS" : s->verified ? "does not promise to pass that on (REQUIRETLS)" : "could not be verified");
	return false;
}

/* Up to where the envelope may follow. */
static bool
open_session(struct session *s)
{
	if (s->plan->implicit && !session_begin_tls(s))
		return false;
	if (!be_greeted(s) || !say_hello(s))
		return false;
	if (s->plain < 0 && !session_starttls(s))
		return false;
	if (s->plain >= 0 && !s->plan->implicit && !say_hello(s))
		return false;
	return keeps_requirement(s);
}

bool
smtp_send(int fd, const char *server, const struct smtp_settings *settings, struct tls_plan *plan, struct errand *e,
    struct outcome *trouble)
{
	static struct session s;
	memset(&s, 0, sizeof s);
	s.fd = fd;
	s.plain = -1;
	s.server = server;
	s.settings = settings;
	s.plan = plan;
	s.errand = e;
	s.trouble = trouble;
	input_open(&s.in, fd, settings->timeout);
	output_open(&s.out, fd, settings->timeout);
	size_t taken = 0;
	bool ok = open_session(&s) &&
	    (session_is_hopeless(&s) || (session_send_envelope(&s, &taken) && (taken == 0 || session_send_message(&s))));
	if (ok) {
		/* All is said; what the server thinks of QUIT changes nothing. */
		output_text(&s.out, "QUIT\r\n");
		output_flush(&s.out);
	}
	if (s.plain >= 0)
		close(s.plain);
	return ok;
}
