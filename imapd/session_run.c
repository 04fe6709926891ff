#include "imapd/session_run.h"

#include <errno.h>
#include <unistd.h>

#include "imapd/wait.h"
#include "lib/base/log.h"
#include "lib/front/sessions.h"

/* After the parent's own confinement; a session's Landlock rule is its Maildir. */
static const struct contract session_contract = {
	.calls = CALLS_BASIC | CALLS_READ_FILES | CALLS_WRITE_FILES | CALLS_WATCH,
	.memory = SESSION_MEMORY_MOST, /* or what the setting says */
	.descriptors = 64,
	.reaches = "the user's Maildir; open: what his domain holds",
	.sockets = "the client; a pair to the parent",
	.compromise = "one user's mail",
};

static struct session session;

/* The login cannot be completed; the front is gone, so it is told here. */
static _Noreturn void
give_up(const struct handover *h, const char *code, const char *text)
{
	output_slice(&session.out, h->command);
	output_format(&session.out, " NO [%s] %s\r\n* BYE %s\r\n", code, text, text);
	output_flush(&session.out);
	_exit(0);
}

static void
open_streams(int client)
{
	input_open(&session.in, client, SESSION_IDLE);
	output_open(&session.out, client, SESSION_WRITE_TIME);
	session.in.before_wait = session_wait;
	session.in.context = &session;
	session.scratch = SCRATCH_MOST(SESSION_SCRATCH_MOST);
	session.body.fd = session.watch = -1;
	session.gather = (struct gather){.in = &session.in, .out = &session.out,
	    .text = STR_MOST(SESSION_COMMAND_MOST), .literal_most = SESSION_COMMAND_MOST, .streams = session_streams};
}

/* A command that was not gathered whole. */
static void
gather_failed(struct session *s, enum gather_result r)
{
	struct parser p = parser_over(str_slice(&s->gather.text), &s->scratch);
	struct slice tag = slice_of("*");
	switch (r) {
	case GATHER_TOO_BIG:
		parse_tag(&p, &tag);
		output_slice(&s->out, tag.len > 0 ? tag : slice_of("*"));
		if (parse_space(&p) && parse_word(&p, "SETMETADATA"))
			output_format(&s->out, " NO [%s] the value is too large\r\n", answer_metadata_size().code);
		else
			output_text(&s->out, " BAD [TOOBIG] the literal is too large for this command\r\n");
		return;
	case GATHER_TOO_LONG:
		output_text(&s->out, "* BAD the command is too long\r\n");
		session_bye(s, "the command is too long");
		return;
	case GATHER_TIMEOUT:
		session_bye(s, "[UNAVAILABLE] idle for too long");
		return;
	default:
		s->done = true;
	}
}

/* A long command's memory is not kept while the session is idle. */
static void
give_back(struct session *s)
{
	scratch_clear(&s->scratch);
	if (s->gather.text.room > 4096)
		str_free(&s->gather.text);
}

static void
serve(struct session *s)
{
	while (!s->done && !s->out.failed) {
		enum gather_result r = gather_command(&s->gather);
		if (r == GATHER_OK || r == GATHER_STREAM)
			session_command(s);
		else
			gather_failed(s, r);
		give_back(s);
	}
	output_flush(&s->out);
	view_close(&s->view);
	log_info("logout", log_text(s->in.fd < 0 ? "reason" : NULL, "SIGTERM"));
}

void
session_bye(struct session *s, const char *text)
{
	output_format(&s->out, "* BYE %s\r\n", text);
	s->done = true;
}

static void
welcome(const struct handover *h)
{
	output_slice(&session.out, h->command);
	output_text(&session.out, " OK [CAPABILITY ");
	output_text(&session.out, session_capability);
	output_text(&session.out, "] Logged in\r\n");
}

_Noreturn void
session_run(const struct handover *h, int mail_root, uint64_t append_most, const struct quota_rules *rules)
{
	log_session("session", h->id);
	open_streams(h->client);
	session.append_most = append_most;
	session_wait_prepare();
	/* inotify knows only paths, so the session lives in its Maildir. */
	bool arrived = arrive(h, "imap", mail_root, &session_contract, &session.maildir, &session.account, rules);
	if (!arrived && errno == EUSERS)
		give_up(h, "LIMIT", "this user has too many sessions, close some"); /* RFC 5530 */
	if (!arrived || fchdir(session.maildir.root) < 0)
		give_up(h, "UNAVAILABLE", "the mailbox is not available, try again later");
	welcome(h);
	if (handover_read_ahead(h, &session.in))
		serve(&session);
	_exit(0);
}
