#include "queue/remote_smtp.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/base/number.h"
#include "lib/base/stream.h"
#include "queue/remote_body.h"
#include "queue/remote_reply.h"

struct session {
	struct input         in;
	struct output        out;
	const char          *server;
	const struct smtp_settings *settings;
	struct errand       *errand;
	struct outcome      *trouble;
	struct reply         reply;
	size_t               lines; /* of the answer to EHLO */
	bool                 pipelining, size, eight_bit, utf8;
	uint64_t             size_most;
};

/* The connection itself failed. Always false. */
static bool
broken(struct session *s, const char *step, enum reply_result r)
{
	static const char *const reasons[] = {"", "it closed the connection", "it did not answer in time", "its answer is not SMTP"};
	*s->trouble = outcome_make("4.4.2", "%s, %s: %s", s->server, step, reasons[r]);
	return false;
}

/* The server will not serve us now. Always false. */
static bool
unwilling(struct session *s, const char *step)
{
	*s->trouble = reply_outcome(&s->reply, s->server, step, "4.0");
	/* What it says before the envelope is about the server, not about the mail: another one, or later. */
	if (s->trouble->class != OUTCOME_TEMPORARY)
		*s->trouble = outcome_make("4.4.0", "%s", s->trouble->text);
	return false;
}

static bool
read_reply(struct session *s, const char *step)
{
	enum reply_result r = reply_read(&s->in, &s->reply, NULL, NULL);
	return r == REPLY_OK || broken(s, step, r);
}

/* --- greeting ---------------------------------------------------------------------------- */

static void
note_extension(void *context, struct slice text)
{
	struct session *s = context;
	if (s->lines++ == 0)
		return; /* the server's name */
	struct cursor c = cursor_over(text);
	if (slice_is_nocase(text, "PIPELINING"))
		s->pipelining = true;
	else if (slice_is_nocase(text, "8BITMIME"))
		s->eight_bit = true;
	else if (slice_is_nocase(text, "SMTPUTF8"))
		s->utf8 = true;
	else if (cursor_take_nocase(&c, "SIZE")) {
		s->size = true;
		cursor_skip_spaces(&c);
		if (!cursor_take_number(&c, INT64_MAX, &s->size_most))
			s->size_most = 0;
	}
}

static bool
say_hello(struct session *s)
{
	if (!read_reply(s, "greeting"))
		return false;
	if (s->reply.code / 100 != 2)
		return unwilling(s, "connection");
	output_format(&s->out, "EHLO %s\r\n", s->settings->hostname);
	output_flush(&s->out);
	enum reply_result r = reply_read(&s->in, &s->reply, note_extension, s);
	if (r != REPLY_OK)
		return broken(s, "EHLO", r);
	if (s->reply.code / 100 == 2)
		return true;
	s->pipelining = s->size = s->eight_bit = s->utf8 = false;
	output_format(&s->out, "HELO %s\r\n", s->settings->hostname);
	output_flush(&s->out);
	if (!read_reply(s, "HELO"))
		return false;
	return s->reply.code / 100 == 2 || unwilling(s, "HELO");
	/* STARTTLS goes here: `fd` to tlsd, the plain socket back, and EHLO again. */
}

/* --- envelope ------------------------------------------------------------------------------- */

static void
set_all(struct errand *e, const struct outcome *o)
{
	for (size_t i = 0; i < e->count; i++)
		e->outcomes[i] = *o;
}

static bool
is_ascii(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] >= 0x80)
			return false;
	return true;
}

static bool
needs_utf8(const struct errand *e)
{
	bool ascii = is_ascii(e->sender);
	for (size_t i = 0; i < e->count; i++)
		ascii = ascii && is_ascii(e->recipients[i]);
	return !ascii;
}

/* What can be said without asking the server: true when all have an outcome. */
static bool
is_hopeless(struct session *s)
{
	struct outcome o;
	if (s->size_most > 0 && s->errand->length > s->size_most)
		o = outcome_make("5.3.4", "%s takes at most %llu bytes", s->server, (unsigned long long)s->size_most);
	else if (needs_utf8(s->errand) && !s->utf8)
		o = outcome_make("5.6.7", "%s does not take addresses in UTF-8", s->server);
	else
		return false;
	set_all(s->errand, &o);
	return true;
}

static void
send_mail(struct session *s)
{
	struct errand *e = s->errand;
	output_text(&s->out, "MAIL FROM:<");
	output_slice(&s->out, e->sender);
	output_text(&s->out, ">");
	if (s->size)
		output_format(&s->out, " SIZE=%llu", (unsigned long long)e->length);
	if (s->eight_bit && e->eight_bit)
		output_text(&s->out, " BODY=8BITMIME");
	if (s->utf8 && needs_utf8(e))
		output_text(&s->out, " SMTPUTF8");
	output_text(&s->out, "\r\n");
}

static void
send_rcpt(struct session *s, size_t i)
{
	output_text(&s->out, "RCPT TO:<");
	output_slice(&s->out, s->errand->recipients[i]);
	output_text(&s->out, ">\r\n");
}

/* The server is closing (RFC 5321 section 3.8): what it said counts for nobody. */
static bool
is_closing(const struct session *s)
{
	return s->reply.code == 421;
}

static bool
read_rcpt(struct session *s, size_t i, size_t *taken)
{
	if (!read_reply(s, "RCPT"))
		return false;
	if (is_closing(s))
		return unwilling(s, "RCPT");
	s->errand->outcomes[i] = reply_outcome(&s->reply, s->server, "RCPT", s->reply.code / 100 == 5 ? "1.0" : "2.0");
	if (s->errand->outcomes[i].class == OUTCOME_DONE)
		(*taken)++;
	return true;
}

/* The recipients' outcomes are done for those that were taken. False: the connection is over. */
static bool
send_envelope(struct session *s, size_t *taken)
{
	struct errand *e = s->errand;
	*taken = 0;
	send_mail(s);
	for (size_t i = 0; i < e->count && s->pipelining; i++)
		send_rcpt(s, i);
	output_flush(&s->out);
	if (!read_reply(s, "MAIL"))
		return false;
	struct reply mail = s->reply;
	if (is_closing(s) || mail.code / 100 == 4)
		return unwilling(s, "MAIL");
	for (size_t i = 0; i < e->count && (s->pipelining || mail.code / 100 == 2); i++) {
		if (!s->pipelining) {
			send_rcpt(s, i);
			output_flush(&s->out);
		}
		if (!read_rcpt(s, i, taken))
			return false;
	}
	if (mail.code / 100 == 2)
		return true;
	struct outcome o = reply_outcome(&mail, s->server, "MAIL", "1.0");
	set_all(e, &o);
	*taken = 0;
	return true;
}

/* --- message ---------------------------------------------------------------------------------- */

static void
set_taken(struct errand *e, const struct outcome *o)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->outcomes[i].class == OUTCOME_DONE)
			e->outcomes[i] = *o;
}

/* False: the file could not be read, and the connection must be cut before the end. */
static bool
send_file(struct session *s)
{
	char piece[STREAM_BUFFER];
	struct body body = {.in_line = false};
	const struct errand *e = s->errand;
	uint64_t done = 0;
	while (done < e->length && !s->out.failed) {
		size_t len = e->length - done < sizeof piece ? (size_t)(e->length - done) : sizeof piece;
		ssize_t n = pread(e->file, piece, len, (off_t)(e->offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		body_write(&body, &s->out, slice_make(piece, (size_t)n));
		done += (uint64_t)n;
	}
	body_end(&body, &s->out);
	output_flush(&s->out);
	return true;
}

static bool
send_message(struct session *s)
{
	output_text(&s->out, "DATA\r\n");
	output_flush(&s->out);
	if (!read_reply(s, "DATA"))
		return false;
	if (s->reply.code != 354) {
		if (is_closing(s))
			return unwilling(s, "DATA");
		struct outcome o = reply_outcome(&s->reply, s->server, "DATA", "3.0");
		if (o.class == OUTCOME_DONE)
			o = outcome_make("4.5.0", "%s", o.text);
		set_taken(s->errand, &o);
		return true;
	}
	if (!send_file(s)) {
		*s->trouble = outcome_make("4.3.0", "the queue file could not be read");
		return false;
	}
	s->in.timeout = 2 * s->settings->timeout;
	if (!read_reply(s, "the message")) {
		/* It may have taken the message: no other host gets it now, so that it does not come twice. */
		set_taken(s->errand, s->trouble);
		return true;
	}
	struct outcome o = reply_outcome(&s->reply, s->server, "the message", "6.0");
	set_taken(s->errand, &o);
	return true;
}

bool
smtp_send(int fd, const char *server, const struct smtp_settings *settings, struct errand *e, struct outcome *trouble)
{
	static struct session s;
	memset(&s, 0, sizeof s);
	s.server = server;
	s.settings = settings;
	s.errand = e;
	s.trouble = trouble;
	input_open(&s.in, fd, settings->timeout);
	output_open(&s.out, fd, settings->timeout);
	if (!say_hello(&s))
		return false;
	size_t taken = 0;
	bool ok = is_hopeless(&s) || (send_envelope(&s, &taken) && (taken == 0 || send_message(&s)));
	if (ok) {
		/* All is said; what the server thinks of QUIT changes nothing. */
		output_text(&s.out, "QUIT\r\n");
		output_flush(&s.out);
	}
	return ok;
}
