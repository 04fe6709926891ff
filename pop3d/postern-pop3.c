/*
 * postern-pop3: POP3 after the login, a process a session.
 *
 * Run by the supervisor as vmail. Listens on pop3/session, where postern-pop3d
 * hands over clients that have logged in: descriptor, one-time ticket, bytes
 * read ahead. Forks at once; the child redeems the ticket at authd/ticket, so
 * it learns from nobody but authd whose mail this is, opens that Maildir
 * beneath mail_root, confines itself to it and serves.
 *
 * The parent parses only packets of postern-pop3d; it is confined to mail_root.
 * A child: one Maildir (Landlock), no new socket, no new process, 64 MiB.
 *
 * Exit codes: 0 on SIGTERM, 100 wrong arguments or settings, 111 temporary
 * trouble.
 *
 * A full compromise of a child yields one user's mail; of the parent, all
 * mail, and tickets as they pass (each good for one session).
 */
#include <sys/stat.h>

#include "lib/base/host.h"
#include "lib/base/program.h"
#include "lib/front/sessions.h"
#include "lib/sandbox/sandbox.h"
#include "pop3d/start.h"

static struct sessions sessions = {
	.front = "postern-pop3d",
	.most_setting = "pop3_sessions_limit",
	.patience = 0, /* sessions go on without us and end by themselves */
	.service = {.name = "pop3/session"},
	.serve = start_session,
};

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	{"mail_root", SETTING_TEXT, "/var/vmail", "the directory that all Maildirs are beneath", &sessions.mail_root, 0, 0},
	HOST_SETTING,
	QUOTA_SETTINGS(start_quota_rules),
	{"pop3_sessions_limit", SETTING_NUMBER, "1000", "sessions at a time", &sessions.most, 1, 100000},
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_CONNECT | CALLS_READ_FILES | CALLS_WRITE_FILES |
	    CALLS_FORK,
	.memory = 64 << 20,
	.descriptors = 1024,
	.processes = 1,
	.reaches = "mail_root; a session: one Maildir",
	.sockets = "listens: pop3/session; connects: authd/lookup, authd/ticket",
	.compromise = "all mail, tickets as they pass; of a session: one user's mail",
};

static const struct program program = {
	.name = "postern-pop3",
	.user = "vmail",
	.usage = "",
	.help = "Serves POP3 sessions that postern-pop3d hands over on the socket pop3/session.",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

int
main(int argc, char **argv)
{
	if (program_begin(&program, argc, argv) != argc)
		program_usage(&program);
	program_settings(&program);
	if (!sandbox_not_root(&program))
		return EXIT_MISUSE;
	if (!quota_rules_read(&start_quota_rules))
		return EXIT_MISUSE;
	umask(077);
	if (!sessions_start(&sessions, &contract))
		return EXIT_TEMPORARY;
	sessions_run();
	return EXIT_DONE;
}
