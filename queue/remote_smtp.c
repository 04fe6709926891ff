#include "queue/remote_smtp.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/cursor.h"
#include "queue/remote_session.h"

#define LAST_WORDS 5000 /* ms: writing failed, what it said before it closed may be there */

bool
session_broken(struct session *s, const char *step, enum reply_result r)
{
	static const char *const reasons[] = {"", "it closed the connection", "it did not answer in time", "its answer is not SMTP"};
	s->dead = true;
	*s->trouble = outcome_make("4.4.2", "%s, %s: %s", s->server, step, reasons[r]);
	return false;
}

bool
session_unwilling(struct session *s, const char *step)
{
	s->dead = s->dead || s->dirty || errand_count(s->errand, ERRAND_ASKED) > 0;
	*s->trouble = reply_outcome(&s->reply, s->server, step, "4.0");
	/* What it says before the envelope is about the server, not about the mail: another one, or later. */
	if (s->trouble->class != OUTCOME_TEMPORARY)
		*s->trouble = outcome_make("4.4.0", "%s", s->trouble->text);
	return false;
}

static enum reply_result
read_reply(struct session *s, enum smtp_step step, void (*line)(void *, struct slice))
{
	int most = s->settings->times[step];
	output_flush(&s->out);
	if (s->out.failed && most > LAST_WORDS)
		most = LAST_WORDS;
	/* The whole reply has that time, not each byte of it. */
	s->in.timeout = s->in.budget = errand_patience(s->errand, most);
	enum reply_result r = reply_read(&s->in, &s->reply, line, &s->offers);
	s->dead = s->dead || (r == REPLY_OK && session_is_closing(s));
	return r;
}

bool
session_read(struct session *s, const char *name, enum smtp_step step)
{
	enum reply_result r = read_reply(s, step, NULL);
	return r == REPLY_OK || session_broken(s, name, r);
}

bool
session_is_closing(const struct session *s)
{
	return s->reply.code == 421;
}

/* --- what it offers ------------------------------------------------------------------------ */

static uint64_t
number_of(struct slice text)
{
	uint64_t number;
	struct cursor c = cursor_over(text);
	return cursor_take_number(&c, INT64_MAX, &number) ? number : 0;
}

static void
note_size(struct offers *o, struct slice words)
{
	o->size = true;
	o->size_most = number_of(slice_trim(words));
}

static void
note_mechanisms(struct offers *o, struct slice words)
{
	struct slice word;
	o->auth = true;
	while (slice_split(&words, ' ', &word)) {
		o->plain = o->plain || slice_is_nocase(word, "PLAIN");
		o->login = o->login || slice_is_nocase(word, "LOGIN");
	}
}

/* RFC 9422. */
static void
note_limits(struct offers *o, struct slice words)
{
	struct slice word;
	while (slice_split(&words, ' ', &word)) {
		if (slice_starts_nocase(word, "RCPTMAX="))
			o->rcpt_most = number_of(slice_from(word, 8));
		if (slice_starts_nocase(word, "MAILMAX="))
			o->mail_most = number_of(slice_from(word, 8));
	}
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
	const struct {
		const char *keyword;
		void (*note)(struct offers *, struct slice words);
	} more[] = {{"SIZE", note_size}, {"AUTH", note_mechanisms}, {"LIMITS", note_limits}};
	if (o->lines++ == 0)
		return; /* the server's name */
	struct slice keyword = slice_first(text, slice_find(text, ' '));
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (slice_is_nocase(keyword, known[i].keyword))
			*known[i].offered = true;
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		if (slice_is_nocase(keyword, more[i].keyword))
			more[i].note(o, slice_from(text, keyword.len + 1));
}

/* --- the beginning ------------------------------------------------------------------------- */

static bool
say_hello(struct session *s)
{
	const char *word = s->lmtp ? "LHLO" : "EHLO";
	memset(&s->offers, 0, sizeof s->offers);
	output_format(&s->out, "%s %s\r\n", word, s->settings->hostname);
	enum reply_result r = read_reply(s, STEP_HELLO, note_extension);
	if (r != REPLY_OK)
		return session_broken(s, word, r);
	s->most = s->offers.rcpt_most < TRANSACTION_RECIPIENTS_MOST ? (size_t)s->offers.rcpt_most : 0;
	if (s->reply.code / 100 == 2)
		return true;
	memset(&s->offers, 0, sizeof s->offers);
	s->most = 0;
	if (s->plain >= 0 || s->lmtp || s->dead)
		return session_unwilling(s, word); /* who knows TLS knows EHLO */
	output_format(&s->out, "HELO %s\r\n", s->settings->hostname);
	if (!session_read(s, "HELO", STEP_HELLO))
		return false;
	return s->reply.code / 100 == 2 || session_unwilling(s, "HELO");
}

static bool
be_greeted(struct session *s)
{
	if (!session_read(s, "greeting", STEP_GREETING))
		return false;
	return s->reply.code / 100 == 2 || session_unwilling(s, "connection");
}

/* Who asked for REQUIRETLS gets it or nothing: RFC 8689 section 4.2.1. A socket of this host is no way that anybody could listen on. */
static bool
keeps_requirement(struct session *s)
{
	if (!s->errand->require_tls || s->local || (s->verified && s->offers.require_tls))
		return true;
	*s->trouble = outcome_make("5.7.30", "the sender requires TLS all the way, and %s %s", s->server,
	    s->plain < 0 ? "does not offer TLS" : s->verified ? "does not promise to pass that on (REQUIRETLS)" : "could not be verified");
	return false;
}

static void
begin(struct session *s, int fd, const char *server, const struct smtp_settings *settings, const struct route *route)
{
	memset(s, 0, sizeof *s);
	s->fd = fd;
	s->plain = -1;
	s->settings = settings;
	s->lmtp = route->lmtp;
	s->local = route->unix_path[0] != '\0';
	snprintf(s->server, sizeof s->server, "%s", server);
	input_open(&s->in, fd, settings->times[STEP_GREETING]);
	output_open(&s->out, fd, settings->times[STEP_HELLO]);
}

bool
session_open(struct session *s, int fd, const char *server, const struct smtp_settings *settings, const struct route *route,
    struct tls_plan *plan, struct errand *e, struct outcome *trouble)
{
	begin(s, fd, server, settings, route);
	s->plan = plan;
	s->errand = e;
	s->trouble = trouble;
	bool ok = !plan->implicit || session_begin_tls(s);
	ok = ok && be_greeted(s) && say_hello(s);
	ok = ok && (s->plain >= 0 || s->local || session_starttls(s));
	ok = ok && (s->plain < 0 || plan->implicit || say_hello(s));
	ok = ok && keeps_requirement(s) && session_login(s);
	s->plan = NULL;
	return ok;
}

/* --- errands and the end -------------------------------------------------------------------- */

bool
session_carry(struct session *s, struct errand *e, struct outcome *trouble)
{
	s->errand = e;
	s->trouble = trouble;
	if (session_is_hopeless(s))
		return true;
	while (!errand_is_over(e))
		if (s->dead || !session_transact(s)) {
			errand_again(e);
			return false;
		}
	return true;
}

bool
session_is_usable(const struct session *s)
{
	struct pollfd p = {.fd = s->plain >= 0 ? s->plain : s->fd, .events = POLLIN};
	return !s->dead && !s->out.failed && s->out.len == 0 && input_buffered(&s->in).len == 0 && poll(&p, 1, 0) == 0;
}

void
session_end(struct session *s)
{
	if (!s->dead) {
		/* All is said; what the server thinks of QUIT changes nothing. */
		output_text(&s->out, "QUIT\r\n");
		s->out.timeout = LAST_WORDS;
		output_flush(&s->out);
	}
	if (s->plain >= 0)
		close(s->plain);
	close(s->fd);
	s->plain = s->fd = -1;
}
