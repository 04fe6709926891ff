#include "imapd/session_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imapd/wait.h"
#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"
#include "lib/sandbox/sandbox.h"

#define TICKET_PATIENCE 2000  /* ms for authd to be there */
#define TICKET_WAIT     10000 /* ms for its answer */

/* After the parent's own confinement; a session's Landlock rule is its Maildir. */
static const struct contract session_contract = {
	.calls = CALLS_BASIC | CALLS_READ_FILES | CALLS_WRITE_FILES | CALLS_WATCH,
	.memory = 64 << 20,
	.descriptors = 64,
	.reaches = "the user's Maildir",
	.sockets = "the client",
	.compromise = "one user's mail",
};

static struct session session;

/* The login cannot be completed; the front is gone, so it is told here. */
static _Noreturn void
give_up(const struct session_start *start, const char *text)
{
	output_text(&session.out, start->tag);
	output_format(&session.out, " NO [UNAVAILABLE] %s\r\n* BYE %s\r\n", text, text);
	output_flush(&session.out);
	_exit(0);
}

/* `redeem T TICKET SERVICE`: the answer stays in `p`. */
static bool
redeem(const struct session_start *start, struct packet *p, const char **user, const char **maildir)
{
	int authd = socket_connect("authd/ticket", TICKET_PATIENCE);
	packet_begin(p, "redeem");
	packet_add_text(p, start->id);
	packet_add_text(p, start->ticket);
	packet_add_text(p, "imap");
	bool ok = authd >= 0 && packet_call(authd, p, TICKET_WAIT);
	if (authd >= 0)
		close(authd);
	if (!ok) {
		log_error("ticket-unanswered", log_text("socket", "authd/ticket"));
		return false;
	}
	packet_close_descriptors(p);
	bool good = slice_is(slice_of(packet_verb(p)), "ok");
	const char *tag = packet_field(p);
	*user = packet_field(p);
	*maildir = packet_field(p);
	if (good && tag != NULL && *maildir != NULL)
		return true;
	log_warning("ticket-refused", log_text("client", start->address));
	return false;
}

/* inotify knows only paths, so the session lives in its Maildir. */
static bool
enter_maildir(const char *maildir, int mail_root)
{
	if (maildir_open(&session.maildir, mail_root, maildir, true) && fchdir(session.maildir.root) == 0)
		return true;
	log_error("maildir-failed", log_text("maildir", maildir), log_errno(),
	    log_text("hint", "it must be beneath mail_root and vmail's, without symbolic links"));
	return false;
}

static bool
confine(int mail_root)
{
	struct sandbox_path path = {.path = NULL, .fd = session.maildir.root, .write = true};
	close(mail_root);
	return sandbox_enter(&session_contract, &path, 1);
}

static bool
take_read_ahead(const char *text)
{
	struct str bytes = STR_MOST(STREAM_BUFFER);
	bool ok = base64_decode(&bytes, slice_of(text));
	if (ok)
		memcpy(session.in.buffer, str_text(&bytes), bytes.len);
	session.in.end = ok ? bytes.len : 0;
	str_free(&bytes);
	return ok;
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
	log_info("logout");
}

void
session_bye(struct session *s, const char *text)
{
	output_format(&s->out, "* BYE %s\r\n", text);
	s->done = true;
}

static void
welcome(const struct session_start *start)
{
	output_text(&session.out, start->tag);
	output_text(&session.out, " OK [CAPABILITY ");
	output_text(&session.out, session_capability);
	output_text(&session.out, "] Logged in\r\n");
}

_Noreturn void
session_run(const struct session_start *start, int mail_root, uint64_t append_most)
{
	static struct packet ticket;
	const char *user = "", *maildir = "";
	log_session("session", start->id);
	open_streams(start->client);
	session.append_most = append_most;
	session_wait_prepare();
	if (!redeem(start, &ticket, &user, &maildir))
		give_up(start, "the login could not be completed, try again");
	if (!enter_maildir(maildir, mail_root) || !confine(mail_root))
		give_up(start, "the mailbox is not available, try again later");
	log_info("login", log_text("user", user), log_text("client", start->address), log_text("line", start->tls ? "tls" : "plain"));
	welcome(start);
	if (take_read_ahead(start->read_ahead))
		serve(&session);
	_exit(0);
}
