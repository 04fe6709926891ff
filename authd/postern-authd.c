/*
 * postern-authd: knows the users. Answers what an address is, where its mail
 * goes and who may send as it; checks passwords; gives tickets to sessions.
 *
 * Run by a supervisor (s6, runit) as postern-authd; stays in the foreground.
 * Reads its settings, the query files that they name, and the embedded users'
 * cdb. Writes nothing but its log on standard error.
 *
 * One process answers from memory and cdb and parses nothing but packets. Its
 * children: database workers hold the connections to MariaDB or MySQL, hashing
 * workers decode what clients sent for SASL and verify hashes, with no file, no
 * socket and no database. The loop keeps the right to connect because a worker
 * that died is forked anew from it; it makes no use of it itself.
 *
 * Listens: authd/lookup (postern-smtpd, postern-queue, vmail, postern-lmtpd),
 * authd/login (postern-smtpd, postern-imapd, postern-pop3d), authd/ticket (vmail).
 * Exit: 0 on SIGTERM, 100 wrong settings, 111 temporary trouble.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/database.h"
#include "authd/lookup.h"
#include "authd/login.h"
#include "lib/base/host.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/sandbox/sandbox.h"

static struct options {
	struct resolve_options resolve;
	const char            *users_cdb;
	const char            *sql[MAP_COUNT];
	uint64_t               sql_workers, sql_timeout, hash_workers, sessions_per_address;
	bool                   plain_without_tls;
	struct hash_rules      hashes;
} options;

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	HOST_SETTING,
	{"users_cdb", SETTING_TEXT, "/var/lib/postern/authd/users.cdb", "the embedded users, made by postern-users",
	    &options.users_cdb, 0, 0},
	{"mail_root", SETTING_TEXT, "/var/vmail", "the directory that Maildirs are beneath", &options.resolve.mail_root, 0, 0},
	{"recipient_delimiter", SETTING_TEXT, "+", "what parts user and extension in an address; empty: no extensions",
	    &options.resolve.recipient_delimiter, 0, 0},
	{"postmaster", SETTING_TEXT, "", "who gets mail for postmaster@ of a domain that has no such mailbox",
	    &options.resolve.postmaster, 0, 0},
	{"sql_domains", SETTING_TEXT, "", "query files, one a line: domains whose users are ours", &options.sql[MAP_DOMAIN], 0, 0},
	{"sql_mailboxes", SETTING_TEXT, "", "query files: an address's Maildir", &options.sql[MAP_MAILBOX], 0, 0},
	{"sql_aliases", SETTING_TEXT, "", "query files: targets of an address or @domain", &options.sql[MAP_ALIAS], 0, 0},
	{"sql_quotas", SETTING_TEXT, "", "query files: a mailbox's quota in bytes", &options.sql[MAP_QUOTA], 0, 0},
	{"sql_passwords", SETTING_TEXT, "", "query files: a login's password hash", &options.sql[MAP_PASSWORD], 0, 0},
	{"sql_relay_domains", SETTING_TEXT, "", "query files: domains that we pass mail on for", &options.sql[MAP_RELAY_DOMAIN], 0, 0},
	{"sql_transports", SETTING_TEXT, "", "query files: where the mail of an address or domain goes", &options.sql[MAP_TRANSPORT], 0, 0},
	{"sql_senders", SETTING_TEXT, "", "query files: the logins that may send as an address or @domain", &options.sql[MAP_SENDER], 0, 0},
	{"sql_message_sizes", SETTING_TEXT, "", "query files: the largest message that a mailbox takes, in bytes", &options.sql[MAP_MESSAGE_SIZE], 0, 0},
	{"sql_used", SETTING_TEXT, "", "query files: the bytes that a mailbox holds", &options.sql[MAP_USED], 0, 0},
	{"sql_domain_quotas", SETTING_TEXT, "", "query files: the bytes that all mailboxes of a domain may hold together", &options.sql[MAP_DOMAIN_QUOTA], 0, 0},
	{"sql_domain_used", SETTING_TEXT, "", "query files: the bytes that they hold together", &options.sql[MAP_DOMAIN_USED], 0, 0},
	{"sql_workers", SETTING_NUMBER, "2", "connections to the database", &options.sql_workers, 1, 64},
	{"sql_timeout", SETTING_SECONDS, "5s", "how long to wait for the database", &options.sql_timeout, 1, 60},
	{"hash_workers", SETTING_NUMBER, "4", "processes that check passwords", &options.hash_workers, 1, HASHERS_MOST},
	{"password_scheme", SETTING_TEXT, "CRYPT", "the scheme of stored passwords without {SCHEME}", &options.hashes.default_scheme, 0, 0},
	{"weak_schemes", SETTING_TEXT, "DES-CRYPT MD5-CRYPT", "weak password schemes that are taken nevertheless, spaces between", &options.hashes.weak, 0, 0},
	{"sessions_per_address", SETTING_NUMBER, "100", "conversations that one client address may have open (0: any number; loopback is not counted)",
	    &options.sessions_per_address, 0, 0},
	{"plain_without_tls", SETTING_FLAG, "no", "take passwords on lines that are not encrypted", &options.plain_without_tls, 0, 0},
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_READ_FILES | CALLS_CONNECT | CALLS_INTERNET | CALLS_FORK,
	.memory = 1024u << 20,
	.descriptors = 4096,
	.reaches = "the directory of users_cdb; for its database workers /etc and the database's socket",
	.sockets = "listens: authd/lookup, authd/login, authd/ticket; its database workers connect to the database",
	.compromise = "password hashes, who has an account, the database password; may log anybody in; no mail file, no TLS key",
};

static const struct program program = {
	.name = "postern-authd",
	.user = "postern-authd",
	.usage = "[--help | --version | --settings | --contract]",
	.help = "Answers lookups and checks passwords for the suite. Run by a supervisor; takes no arguments.",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

static struct {
	struct users_cdb      users;
	struct database       database;
	struct inquiries      inquiries;
	struct hashers        hashers;
	struct tickets        tickets;
	struct lookup_service lookup;
	struct login_service  login;
	struct ticket_service ticket;
	char                  users_directory[4096];
} authd;

static _Noreturn void
give_up(const char *what)
{
	log_error(what, log_errno());
	exit(EXIT_TEMPORARY);
}

static void
check_schemes(void)
{
	char why[HASH_WHY_MOST];
	if (hash_rules_ok(&options.hashes, why))
		return;
	log_error("setting-wrong", log_text("file", "password_scheme, weak_schemes"), log_text("reason", why));
	exit(EXIT_MISUSE);
}

static void
take_settings(void)
{
	program_settings(&program);
	check_schemes();
	options.resolve.hostname = host_name();
	if (strlen(options.users_cdb) >= sizeof authd.users_directory) {
		log_error("setting-wrong", log_text("file", "users_cdb"), log_text("reason", "the path is too long"));
		exit(EXIT_MISUSE);
	}
	authd.users.path = options.users_cdb;
	authd.inquiries.options = options.resolve;
	static struct recent recent;
	recent_begin(&recent);
	authd.inquiries.source.users = &authd.users;
	authd.inquiries.source.recent = &recent;
	authd.hashers.hostname = options.resolve.hostname;
	authd.hashers.rules = options.hashes;
	authd.hashers.count = (size_t)options.hash_workers;
	authd.login.sessions.per_address = options.sessions_per_address;
	authd.login.plain_without_tls = options.plain_without_tls;
}

/* Wrong query files are told at once, all of them. */
static void
read_query_files(void)
{
	bool ok = true;
	for (enum map map = 0; map < MAP_COUNT; map++) {
		static const char *const names[MAP_COUNT] = {"sql_domains", "sql_mailboxes", "sql_aliases", "sql_quotas", "sql_passwords",
		    "sql_relay_domains", "sql_transports", "sql_senders", "sql_message_sizes", "sql_used", "sql_domain_quotas",
		    "sql_domain_used"};
		ok = query_lists_add(&authd.database.lists, map, names[map], options.sql[map]) && ok;
		authd.inquiries.source.sql[map] = query_lists_has(&authd.database.lists, map);
	}
	if (!ok)
		exit(EXIT_MISUSE);
	authd.inquiries.source.any_sql = authd.database.lists.count > 0;
	authd.users.optional = authd.inquiries.source.any_sql;
	authd.database.timeout = options.sql_timeout;
}

static void
connect_parts(void)
{
	authd.inquiries.database = &authd.database.pool;
	authd.hashers.forget = query_lists_wipe;
	authd.hashers.forget_context = &authd.database.lists;
	authd.lookup.inquiries = &authd.inquiries;
	authd.ticket.inquiries = &authd.inquiries;
	authd.ticket.tickets = &authd.tickets;
	authd.login.inquiries = &authd.inquiries;
	authd.login.hashers = &authd.hashers;
	authd.login.tickets = &authd.tickets;
}

static void
open_sockets(void)
{
	if (!lookup_start(&authd.lookup) || !login_start(&authd.login) || !ticket_start(&authd.ticket))
		exit(EXIT_TEMPORARY);
}

static void
start_workers(void)
{
	if (!tickets_begin(&authd.tickets) || !hashers_start(&authd.hashers))
		give_up("not-started");
	if (!authd.inquiries.source.any_sql)
		return;
	database_prepare(&authd.database.lists);
	if (!database_start(&authd.database, (size_t)options.sql_workers))
		give_up("not-started");
}

/* The cdb is replaced by rename, so its directory is what must stay in reach. */
static const char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);
	memcpy(authd.users_directory, path, len);
	if (len == 0)
		return slash == NULL ? "." : "/";
	return authd.users_directory;
}

static void
confine(void)
{
	struct sandbox_path paths[QUERY_PATHS_MOST + 1];
	size_t count = query_lists_paths(&authd.database.lists, paths, QUERY_PATHS_MOST);
	const char *users = directory_of(options.users_cdb);
	if (access(users, F_OK) == 0)
		paths[count++] = (struct sandbox_path){.path = users};
	if (!sandbox_enter(&contract, paths, count))
		exit(EXIT_TEMPORARY);
}

static void
terminate(int signal_number)
{
	(void)signal_number;
	loop_stop();
}

int
main(int argc, char **argv)
{
	if (program_begin(&program, argc, argv) < argc)
		program_usage(&program);
	take_settings();
	read_query_files();
	connect_parts();
	if (!socket_one_identity && !sandbox_not_root(&program))
		return EXIT_MISUSE;
	if (!loop_begin() || !loop_signal(SIGTERM, terminate) || !loop_signal(SIGINT, terminate))
		give_up("event-loop-failed");
	open_sockets();
	start_workers();
	users_cdb_refresh(&authd.users);
	confine();
	log_info("ready", log_number("hash-workers", (int64_t)authd.hashers.count),
	    log_number("query-files", (int64_t)authd.database.lists.count));
	loop_run();
	return EXIT_DONE;
}
