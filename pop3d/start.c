#include "pop3d/start.h"

#include <signal.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/front/sessions.h"
#include "pop3d/session.h"

/* On top of the parent's own confinement: the user's Maildir, no socket but the client's. */
static const struct contract session_contract = {
	.calls = CALLS_BASIC | CALLS_READ_FILES | CALLS_WRITE_FILES,
	.memory = SESSION_MEMORY_MOST, /* or what the setting says */
	.descriptors = 32,
	.reaches = "the user's Maildir; open: what his domain holds",
	.sockets = "the client; a pair to the parent",
	.compromise = "one user's mail",
};

struct policy pop3_policy;
struct quota_rules start_quota_rules;

static struct session session;

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
give_up(void)
{
	session_error(&session, "SYS/TEMP", TEXT_COME_LATER);
	output_flush(&session.out);
	_exit(0);
}

/* SIGTERM ends a session wherever it is: a message is there or gone, and its lock goes stale. */
static void
take_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void
start_session(const struct handover *h, int mail_root)
{
	log_session("session", h->id);
	take_signals();
	open_streams(h->client);
	session.policy = &pop3_policy;
	carried_read(&session.carried, h->command);
	if (!handover_read_ahead(h, &session.in) ||
	    !arrive(h, "pop3", mail_root, &session_contract, &session.maildir, &session.account, &start_quota_rules))
		give_up();
	if (session_open(&session))
		session_serve(&session);
	session_close(&session);
	_exit(0);
}
