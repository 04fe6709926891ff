#include "pop3d/start.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"
#include "lib/sandbox/sandbox.h"
#include "pop3d/session.h"

#define TICKET_PATIENCE 2000  /* ms for authd to be there */
#define TICKET_WAIT     10000 /* ms for its answer */

/* On top of the parent's own confinement: the user's Maildir, no socket but the client's. */
static const struct contract session_contract = {
	.calls = CALLS_BASIC | CALLS_READ_FILES | CALLS_WRITE_FILES,
	.memory = 64 << 20,
	.descriptors = 32,
	.reaches = "the user's Maildir",
	.sockets = "the client",
	.compromise = "one user's mail",
};

static struct session session;
static struct packet  packet;

/* Before each wait the client gets what there is. */
static void
before_wait(void *context)
{
	struct session *s = context;
	output_flush(&s->out);
}

static void
open_streams(int client)
{
	input_open(&session.in, client, SESSION_IDLE);
	output_open(&session.out, client, SESSION_WRITE_TIME);
	session.in.before_wait = before_wait;
	session.in.context = &session;
	session.lock.fd = session.maildir.root = -1;
}

/* The front is gone, so the client is told here. */
static _Noreturn void
give_up(const char *text)
{
	session_error(&session, text);
	output_flush(&session.out);
	_exit(0);
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

/* `redeem T TICKET SERVICE`: user and Maildir stay in the packet. */
static bool
redeem(const struct start *start, const char **user, const char **maildir)
{
	int authd = socket_connect("authd/ticket", TICKET_PATIENCE);
	packet_begin(&packet, "redeem");
	packet_add_text(&packet, start->id);
	packet_add_text(&packet, start->ticket);
	packet_add_text(&packet, "pop3");
	bool answered = authd >= 0 && packet_call(authd, &packet, TICKET_WAIT);
	if (authd >= 0)
		close(authd);
	if (!answered) {
		log_error("ticket-unanswered", log_text("socket", "authd/ticket"));
		return false;
	}
	packet_close_descriptors(&packet);
	bool good = slice_is(slice_of(packet_verb(&packet)), "ok");
	const char *tag = packet_field(&packet);
	*user = packet_field(&packet);
	*maildir = packet_field(&packet);
	if (good && tag != NULL && strcmp(tag, start->id) == 0 && *maildir != NULL)
		return true;
	log_warning("ticket-refused", log_text("client", start->address));
	return false;
}

static bool
enter_maildir(const char *maildir, int mail_root)
{
	bool ok = maildir_open(&session.maildir, mail_root, maildir, true);
	if (!ok)
		log_error("maildir-failed", log_text("maildir", maildir), log_errno(),
		    log_text("hint", "it must be beneath mail_root and vmail's, without symbolic links"));
	close(mail_root);
	return ok;
}

static bool
confine(void)
{
	const struct sandbox_path path = {.fd = session.maildir.root, .write = true};
	return sandbox_enter(&session_contract, &path, 1);
}

void
start_session(const struct start *start, int mail_root)
{
	const char *user, *maildir;
	log_session("session", start->id);
	open_streams(start->client);
	if (!take_read_ahead(start->ahead) || !redeem(start, &user, &maildir) || !enter_maildir(maildir, mail_root))
		give_up("[SYS/TEMP] try again later");
	log_session("user", user);
	if (!confine())
		give_up("[SYS/TEMP] try again later");
	log_info("login", log_text("client", start->address), log_text("line", start->encrypted ? "tls" : "plain"));
	if (session_open(&session))
		session_serve(&session);
	session_close(&session);
	_exit(0);
}
