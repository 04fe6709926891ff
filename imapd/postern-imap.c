/*
 * postern-imap: IMAP after the login; a child process for each session.
 *
 * Run by a supervisor as vmail. Listens on imap/session, where postern-imapd
 * hands over a client's connection with a one-time ticket. The parent reads
 * nothing else: it forks, and the child redeems the ticket at authd/ticket,
 * learns which user this is, closes all of the file system but his Maildir to
 * itself (Landlock), and serves him. No program can be started by either. What
 * a session has made of its mailbox's size the parent tells authd/lookup. At its
 * start it reads in /sys which file systems have a journal.
 *
 * SIGTERM: no new sessions; each session says BYE and ends; then the parent.
 *
 * Exit codes: 0 ended by SIGTERM, 100 wrong arguments or settings, 111
 * temporary trouble.
 *
 * A full compromise of a session yields that user's mail and what vmail may
 * ask of authd; of the parent: all mail beneath mail_root.
 */
#include "imapd/metadata.h"
#include "imapd/namespace.h"
#include "imapd/session_run.h"
#include "imapd/prefilter.h"
#include "imapd/special_use.h"
#include "lib/base/host.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/front/sessions.h"
#include "lib/mail/charset.h"
#include "lib/sandbox/sandbox.h"
#include "lib/store/new_maildir.h"
#include "lib/store/quota_warning.h"
#include "lib/store/settle.h"

static void serve(const struct handover *h, int mail_root);

static uint64_t           append_most;
static bool               inbox_prefix, sketches;
static const char        *warning_file, *special_folders, *admin;
static struct quota_rules quota_rules;
static struct sessions    sessions = {
	.front = "postern-imapd",
	.most_setting = "imap_sessions",
	.user_setting = "imap_user_sessions",
	.patience = 5000, /* to say BYE */
	.service = {.name = "imap/session"},
	.serve = serve,
};

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	{"mail_root", SETTING_TEXT, "/var/vmail", "the directory that all Maildirs are beneath", &sessions.mail_root, 0, 0},
	NEW_FOLDERS_SETTING(sessions.new_folders),
	HOST_SETTING,
	SESSION_MEMORY_SETTING(sessions),
	{"imap_sessions", SETTING_NUMBER, "2000", "IMAP sessions at a time", &sessions.most, 1, 100000},
	{"imap_user_sessions", SETTING_NUMBER, "50", "IMAP sessions of one user at a time; 0: any number", &sessions.most_of_user, 0, 100000},
	QUOTA_SETTINGS(quota_rules),
	QUOTA_WARNING_SETTINGS(quota_rules, warning_file),
	{"imap_inbox_prefix", SETTING_FLAG, "no", "folders are named INBOX.x, as Courier names them", &inbox_prefix, 0, 0},
	{"imap_search_sketches", SETTING_FLAG, "yes", "searches of texts leave in each folder what makes the next ones fast", &sketches, 0, 0},
	{"special_folders", SETTING_TEXT, SPECIAL_USE_DEFAULT, "what folders are for, as LIST shows it: NAME \\Use, with commas between",
	    &special_folders, 0, 0},
	{"imap_admin", SETTING_TEXT, "", "URI by which users reach the administrator, as METADATA tells it: mailto:postmaster@example.org", &admin, 0, 0},
	{"append_size", SETTING_SIZE, "50M", "largest message that APPEND takes", &append_most, 1024, UINT32_MAX},
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_CONNECT | CALLS_READ_FILES | CALLS_WRITE_FILES |
	         CALLS_FORK | CALLS_WATCH,
	.memory = SESSION_MEMORY_MOST,
	.processes = 0,
	.reaches = "mail_root; a session: one user's Maildir, no sockets",
	.sockets = "listens: imap/session; connects: authd/lookup; a session once: authd/ticket",
	.compromise = "a session: one user's mail; the parent: all mail",
};

static const struct program program = {
	.name = "postern-imap",
	.user = "vmail",
	.usage = "",
	.help = "Serves IMAP sessions that postern-imapd hands over after the login.",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

static void
serve(const struct handover *h, int mail_root)
{
	namespace_use_prefix(inbox_prefix);
	metadata_use_admin(admin);
	prefilter_use(sketches);
	session_run(h, mail_root, append_most, &quota_rules);
}

int
main(int argc, char **argv)
{
	if (program_begin(&program, argc, argv) != argc)
		program_usage(&program);
	program_settings(&program);
	if (!sandbox_not_root(&program))
		return EXIT_MISUSE;
	if (!quota_rules_read(&quota_rules) || !warning_prepare(warning_file) || !special_use_read(slice_of(special_folders)))
		return EXIT_MISUSE;
	if (!metadata_admin_ok(admin)) {
		log_error("setting-wrong", log_text("setting", "imap_admin"), log_text("value", admin), log_text("hint", "a URI, such as mailto:postmaster@example.org"));
		return EXIT_MISUSE;
	}
	date_open();
	charset_open();
	settle_prepare();
	if (!sessions_start(&sessions, &contract))
		return EXIT_TEMPORARY;
	sessions_run();
	return EXIT_DONE;
}
