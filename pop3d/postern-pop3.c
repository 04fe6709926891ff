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
 * A child: one Maildir (Landlock), no new socket, no new process.
 *
 * Exit codes: 0 on SIGTERM, 100 wrong arguments or settings, 111 temporary
 * trouble.
 *
 * A full compromise of a child yields one user's mail; of the parent, all
 * mail, and tickets as they pass (each good for one session).
 */
#include <sys/stat.h>

#include "lib/base/host.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/front/sessions.h"
#include "lib/sandbox/sandbox.h"
#include "lib/store/new_maildir.h"
#include "pop3d/capabilities.h"
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
	NEW_FOLDERS_SETTING(sessions.new_folders),
	HOST_SETTING,
	SESSION_MEMORY_SETTING(sessions),
	{"pop3_uidl_format", SETTING_TEXT, UIDL_FORMAT, "unique ids of messages, in Dovecot's words: %u UID, %v UIDVALIDITY, %f file, %g GUID",
	    &pop3_policy.uidl_format, 0, 0},
	{"pop3_uidl_courier", SETTING_FLAG, "no", "messages that courierpop3dsizelist names keep Courier's unique ids",
	    &pop3_policy.uidl_courier, 0, 0},
	{"pop3_uidl_long", SETTING_FLAG, "no", "unique ids may be longer than the 70 characters of RFC 1939",
	    &pop3_policy.uidl_long, 0, 0},
	{"pop3_lock_session", SETTING_FLAG, "yes", "one POP3 session of a user at a time", &pop3_policy.lock, 0, 0},
	{"pop3_takeover", SETTING_SECONDS, "0", "silence after which a session gives way to a new login; 0: it does not",
	    &pop3_policy.takeover, 0, 86400},
	{"pop3_keep", SETTING_SECONDS, "0", "mail younger than that is kept when POP3 deletes it, and shown to IMAP only",
	    &pop3_policy.keep, 0, 0},
	EXPIRE_SETTING(pop3_policy.expire),
	LOGIN_DELAY_SETTING(pop3_policy.login_delay),
	QUOTA_SETTINGS(start_quota_rules),
	{"pop3_sessions_limit", SETTING_NUMBER, "1000", "sessions at a time", &sessions.most, 1, 100000},
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_CONNECT | CALLS_READ_FILES | CALLS_WRITE_FILES |
	    CALLS_FORK,
	.memory = SESSION_MEMORY_MOST,
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

/* What the table of settings cannot check. False, logged. */
static bool
check_policy(void)
{
	const char *why = uidl_format_read(&pop3_policy.uidl, slice_of(pop3_policy.uidl_format));
	if (why != NULL)
		log_error("setting-wrong", log_text("setting", "pop3_uidl_format"), log_text("value", pop3_policy.uidl_format),
		    log_text("hint", why));
	return why == NULL && expire_is_valid(pop3_policy.expire);
}

int
main(int argc, char **argv)
{
	if (program_begin(&program, argc, argv) != argc)
		program_usage(&program);
	program_settings(&program);
	if (!check_policy() || !sandbox_not_root(&program))
		return EXIT_MISUSE;
	if (!quota_rules_read(&start_quota_rules))
		return EXIT_MISUSE;
	umask(077);
	if (!sessions_start(&sessions, &contract))
		return EXIT_TEMPORARY;
	sessions_run();
	return EXIT_DONE;
}
