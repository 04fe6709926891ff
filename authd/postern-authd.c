/*
 * postern-authd: knows the users. Answers what an address is, where its mail
 * goes and who may send as it; checks passwords; gives tickets to sessions;
 * counts what each login sends and who guesses at passwords.
 *
 * Run by a supervisor (s6, runit) as postern-authd; stays in the foreground.
 * Reads its settings, the query files that they name, the embedded users' cdb
 * and its text files. Writes its log on standard error and, by a worker, what
 * SQL answered into the file of the setting cache_file.
 *
 * One process answers from memory and cdb and parses nothing but packets. Its
 * children: database workers hold the connections to MariaDB or MySQL; hashing
 * workers decode what clients sent for SASL and verify hashes, with no file, no
 * socket and no database; the cache's writer holds a directory and nothing else.
 * The loop keeps the rights to connect and to write there because a worker that
 * died is forked anew from it; it makes no use of them itself.
 *
 * Listens: authd/lookup (postern-smtpd, postern-imapd, postern-pop3d,
 * postern-queue, vmail, postern-lmtpd, postern-authproxy), authd/login (postern-smtpd, postern-imapd, postern-pop3d,
 * postern-authproxy), authd/ticket (vmail).
 * Exit: 0 on SIGTERM, 100 wrong settings, 111 temporary trouble.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/clients.h"
#include "authd/database.h"
#include "authd/lookup.h"
#include "authd/login.h"
#include "lib/base/host.h"
#include "lib/base/log.h"
#include "lib/base/networks.h"
#include "lib/base/program.h"
#include "lib/mail/address.h"
#include "lib/sandbox/sandbox.h"

#define KIB 1024u
#define MIB (1024u * KIB)
#define DIRECTORY_MOST 4096
#define WATCHED_MOST   (ADDRESS_FILES_COUNT + 2)

static struct options {
	struct resolve_options  resolve;
	const char             *users_cdb, *local_aliases;
	struct address_files_options files;
	const char             *sql[MAP_COUNT];
	const char             *cache_file;
	uint64_t                cache_memory, cache_size, cache_lifetime, cache_negative_lifetime, cache_stale;
	uint64_t                sql_workers, sql_timeout, hash_workers, sessions_per_address;
	const char             *password_scheme, *weak_schemes;
	struct failures_options failures;
	struct outgoing_limits  outgoing;
	const char             *outgoing_limits;
	struct clients_options  clients;
} options;

static struct {
	struct users_cdb      users;
	struct local_aliases  aliases;
	struct address_files  files;
	struct usage          usage;
	struct cache          cache;
	struct database       database;
	struct inquiries      inquiries;
	struct hashers        hashers;
	struct tickets        tickets;
	struct failures       failures;
	struct outgoing       outgoing;
	struct clients        clients;
	struct remembered     remembered;
	struct lookup_service lookup;
	struct login_service  login;
	struct ticket_service ticket;
	char                  directories[WATCHED_MOST][DIRECTORY_MOST];
} authd;

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	HOST_SETTING,
	{"users_cdb", SETTING_TEXT, "/var/lib/postern/authd/users.cdb", "the embedded users, made by postern-users",
	    &options.users_cdb, 0, 0},
	{"mail_root", SETTING_TEXT, "/var/vmail", "the directory that Maildirs are beneath", &options.resolve.mail_root, 0, 0},
	{"mailbox_path", SETTING_TEXT, "", "a mailbox's Maildir: %d domain, %n local part, %u address, %h what the table yields; empty: that alone",
	    &options.resolve.mailbox_path, 0, 0},
	{"recipient_delimiter", SETTING_TEXT, "+", "what parts user and extension in an address; empty: no extensions",
	    &options.resolve.recipient_delimiter, 0, 0},
	{"default_domain", SETTING_TEXT, "", "put behind a login without a domain", &options.resolve.default_domain, 0, 0},
	{"postmaster", SETTING_TEXT, "", "who gets mail for postmaster@ of a domain that has no such mailbox",
	    &options.resolve.postmaster, 0, 0},
	{"local_domains", SETTING_TEXT, "", "names of this host, one a line, whose users are those of local_aliases", &options.resolve.local_domains, 0, 0},
	{"local_aliases", SETTING_TEXT, "", "an aliases file (aliases(5)) for local_domains: /etc/aliases", &options.local_aliases, 0, 0},
	{"sql_domains", SETTING_TEXT, "", "query files, one a line: domains whose users are ours", &options.sql[MAP_DOMAIN], 0, 0},
	{"sql_mailboxes", SETTING_TEXT, "", "query files: an address's Maildir", &options.sql[MAP_MAILBOX], 0, 0},
	{"sql_aliases", SETTING_TEXT, "", "query files: targets of an address or @domain", &options.sql[MAP_ALIAS], 0, 0},
	{"sql_quotas", SETTING_TEXT, "", "query files: a mailbox's quota in bytes", &options.sql[MAP_QUOTA], 0, 0},
	{"sql_passwords", SETTING_TEXT, "", "query files: a login's password hash", &options.sql[MAP_PASSWORD], 0, 0},
	{"sql_relay_domains", SETTING_TEXT, "", "query files: domains that we pass mail on for", &options.sql[MAP_RELAY_DOMAIN], 0, 0},
	{"sql_transports", SETTING_TEXT, "", "query files: where the mail of an address or domain goes", &options.sql[MAP_TRANSPORT], 0, 0},
	{"sql_senders", SETTING_TEXT, "", "query files: the logins that may send as an address or @domain", &options.sql[MAP_SENDER], 0, 0},
	{"sql_message_sizes", SETTING_TEXT, "", "query files: the largest message that a mailbox takes, in bytes",
	    &options.sql[MAP_MESSAGE_SIZE], 0, 0},
	{"sql_used", SETTING_TEXT, "", "query files: the bytes that a mailbox holds", &options.sql[MAP_USED], 0, 0},
	{"sql_domain_quotas", SETTING_TEXT, "", "query files: the bytes that all mailboxes of a domain may hold together",
	    &options.sql[MAP_DOMAIN_QUOTA], 0, 0},
	{"sql_domain_used", SETTING_TEXT, "", "query files: the bytes that they hold together", &options.sql[MAP_DOMAIN_USED], 0, 0},
	{"sql_sender_relay_hosts", SETTING_TEXT, "", "query files: the host that takes what a sender or @domain sends to others",
	    &options.sql[MAP_SENDER_RELAY], 0, 0},
	{"sql_sender_bcc", SETTING_TEXT, "", "query files: who gets a copy of what a sender or @domain sends", &options.sql[MAP_SENDER_BCC], 0, 0},
	{"sql_recipient_bcc", SETTING_TEXT, "", "query files: who gets a copy of what an address or @domain is sent",
	    &options.sql[MAP_RECIPIENT_BCC], 0, 0},
	{"transports", SETTING_TEXT, "", "a text file in transport(5)'s form, asked before sql_transports", &options.files.transports, 0, 0},
	{"sender_relay_hosts", SETTING_TEXT, "", "a text file: SENDER or @DOMAIN, and the host that takes what he sends to others",
	    &options.files.sender_relay_hosts, 0, 0},
	{"relay_host", SETTING_TEXT, "", "postern-queued's; a sender's own login is given for it", &options.resolve.relay_host, 0, 0},
	{"relay_passwords", SETTING_TEXT, "", "a text file of mode 0600: HOST, [HOST]:PORT or a sender, and USER:PASSWORD for the relay host",
	    &options.files.relay_passwords, 0, 0},
	{"sender_bcc", SETTING_TEXT, "", "a text file: SENDER or @DOMAIN, and who gets a copy of what he sends", &options.files.sender_bcc, 0, 0},
	{"recipient_bcc", SETTING_TEXT, "", "a text file: ADDRESS or @DOMAIN, and who gets a copy of what it is sent",
	    &options.files.recipient_bcc, 0, 0},
	{"srs_domain", SETTING_TEXT, "", "the domain of rewritten senders of what is forwarded to other hosts; empty: none is rewritten",
	    &options.files.srs_domain, 0, 0},
	{"srs_secret", SETTING_TEXT, "", "a text file of mode 0600: secrets that sign them, one a line; the first signs, all verify",
	    &options.files.srs_secret, 0, 0},
	{"sql_workers", SETTING_NUMBER, "2", "connections to the database", &options.sql_workers, 1, 64},
	{"sql_timeout", SETTING_SECONDS, "5s", "how long to wait for the database", &options.sql_timeout, 1, 60},
	{"cache_file", SETTING_TEXT, "/var/lib/postern/authd/cache/cache.cdb", "where SQL's answers are kept; empty: in memory alone", &options.cache_file, 0, 0},
	{"cache_memory", SETTING_SIZE, "16M", "memory for SQL's answers", &options.cache_memory, CACHE_MEMORY_LEAST, CACHE_MEMORY_MOST},
	{"cache_size", SETTING_SIZE, "64M", "bytes of cache_file at the most", &options.cache_size, CACHE_FILE_LEAST, CACHE_FILE_MOST},
	{"cache_lifetime", SETTING_SECONDS, "1s", "how long an answer of SQL counts without asking again; passwords are always asked",
	    &options.cache_lifetime, 0, 7 * 86400},
	{"cache_negative_lifetime", SETTING_SECONDS, "1s", "the same for \"there is none\"; a refusal is always asked again",
	    &options.cache_negative_lifetime, 0, 7 * 86400},
	{"cache_stale", SETTING_SECONDS, "1d", "how long old answers serve while the database is gone", &options.cache_stale, 0, 365 * 86400},
	{"hash_workers", SETTING_NUMBER, "4", "processes that check passwords", &options.hash_workers, 1, HASHERS_MOST},
	{"password_scheme", SETTING_TEXT, "CRYPT", "of passwords without {SCHEME} before them", &options.password_scheme, 0, 0},
	{"weak_schemes", SETTING_TEXT, "DES-CRYPT MD5-CRYPT", "schemes that are taken in spite of their weakness, separated by spaces", &options.weak_schemes, 0, 0},
	{"password_memory", SETTING_SECONDS, "5m", "how long a password that was right needs no hash, while its row stays the same (0: never)",
	    &authd.remembered.life, 0, 86400},
	{"sasl_mechanisms", SETTING_TEXT, "", "what is offered, separated by spaces; empty: PLAIN LOGIN, and SCRAM where password_scheme allows",
	    &authd.login.offers.names, 0, 0},
	{"plain_without_tls", SETTING_FLAG, "no", "take passwords on lines that are not encrypted", &authd.login.offers.plain_without_tls, 0, 0},
	{"master_users", SETTING_TEXT, "", "logins that may act for any other, one a line", &authd.login.master_users, 0, 0},
	{"sessions_per_address", SETTING_NUMBER, "100", "conversations that one client address may have open (0: any number; loopback is not counted)",
	    &authd.login.sessions.per_address, 0, 0},
	{"failures_per_address", SETTING_NUMBER, "30", "failed logins of one client address in failures_window, then it is refused (0: not counted)",
	    &options.failures.per_address, 0, FAILURES_LIMIT_MOST},
	{"failures_per_account", SETTING_NUMBER, "100", "failed logins for one account in failures_window, then addresses that are new to it are refused (0: not counted)",
	    &options.failures.per_account, 0, FAILURES_LIMIT_MOST},
	{"failures_window", SETTING_SECONDS, "15m", "the time in which failures are counted", &options.failures.window, 1, FAILURES_WINDOW_MOST},
	{"failures_exempt", SETTING_TEXT, "127.0.0.0/8 [::1]/128", "networks whose failures are not counted: webmail's", &options.failures.exempt, 0, 0},
	{"outgoing_hour", SETTING_NUMBER, "300", "recipients that a login may send to in an hour, then its mail is held (0: any number)",
	    &options.outgoing.hour, 0, UINT32_MAX},
	{"outgoing_day", SETTING_NUMBER, "1000", "the same in a day", &options.outgoing.day, 0, UINT32_MAX},
	{"client_connections", SETTING_NUMBER, "50", "connections that one client address may have open with one service (0: any number)",
	    &options.clients.connections, 0, CLIENTS_LIMIT_MOST},
	{"client_connection_rate", SETTING_NUMBER, "0", "new connections of one client address in a minute (0: any number)",
	    &options.clients.rates[CLIENT_CONNECTIONS], 0, CLIENTS_LIMIT_MOST},
	{"client_message_rate", SETTING_NUMBER, "0", "the same of messages", &options.clients.rates[CLIENT_MESSAGES], 0, CLIENTS_LIMIT_MOST},
	{"client_recipient_rate", SETTING_NUMBER, "0", "the same of recipients", &options.clients.rates[CLIENT_RECIPIENTS], 0, CLIENTS_LIMIT_MOST},
	{"client_tls_rate", SETTING_NUMBER, "0", "the same of TLS sessions", &options.clients.rates[CLIENT_TLS], 0, CLIENTS_LIMIT_MOST},
	{"client_auth_rate", SETTING_NUMBER, "0", "the same of tries to log in", &options.clients.rates[CLIENT_AUTH], 0, CLIENTS_LIMIT_MOST},
	{"user_message_rate", SETTING_NUMBER, "0", "messages of one login in a minute (0: any number)",
	    &options.clients.user_rates[CLIENT_MESSAGES], 0, CLIENTS_LIMIT_MOST},
	{"user_recipient_rate", SETTING_NUMBER, "0", "the same of recipients", &options.clients.user_rates[CLIENT_RECIPIENTS], 0, CLIENTS_LIMIT_MOST},
	{"client_exempt", SETTING_TEXT, "127.0.0.0/8 [::1]/128", "networks whose clients are not counted", &options.clients.exempt, 0, 0},
	{"permitted_networks", SETTING_TEXT, "127.0.0.0/8 [::1]/128", "postern-smtpd's; their clients are not counted either",
	    &options.clients.permitted, 0, 0},
	{"outgoing_limits", SETTING_TEXT, "", "other limits, one a line: LOGIN HOUR DAY, or @DOMAIN HOUR DAY", &options.outgoing_limits, 0, 0},
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_READ_FILES | CALLS_WRITE_FILES | CALLS_CONNECT | CALLS_INTERNET |
	    CALLS_FORK,
	.memory = 1024u << 20,
	.descriptors = 4096,
	.reaches = "the directories of users_cdb, local_aliases, the text files about addresses and (to write) cache_file; for its database workers /etc and the database's socket",
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

static _Noreturn void
give_up(const char *what)
{
	log_error(what, log_errno());
	exit(EXIT_TEMPORARY);
}

static _Noreturn void
refuse_setting(const char *name, const char *reason, const char *hint)
{
	log_error("setting-wrong", log_text("file", name), log_text("reason", reason), log_text("hint", hint));
	exit(EXIT_MISUSE);
}

static void
take_settings(void)
{
	program_settings(&program);
	options.resolve.hostname = host_name();
	if (options.files.srs_domain[0] != '\0' && options.files.srs_secret[0] == '\0')
		refuse_setting("srs_domain", "it needs srs_secret", "the file that srs_secret names holds a line of random letters");
	if (options.files.srs_domain[0] != '\0' && !address_is_domain(slice_of(options.files.srs_domain), 0))
		refuse_setting("srs_domain", "it is not a domain", "a domain whose mail comes here");
	authd.users.path = options.users_cdb;
	authd.hashers.count = (size_t)options.hash_workers;
	authd.hashers.rules = (struct hash_rules){.default_scheme = options.password_scheme, .weak = options.weak_schemes};
	authd.hashers.hostname = options.resolve.hostname;
	authd.login.offers.scheme = options.password_scheme;
}

/* A lifetime of a second is a little less: a change counts within a second (promise 14). */
static int64_t
lifetime(uint64_t seconds)
{
	return seconds > 0 ? (int64_t)seconds * 1000 - 100 : 0;
}

static void
begin_cache(void)
{
	authd.cache.path = options.cache_file;
	authd.cache.memory = (size_t)options.cache_memory;
	authd.cache.most = (size_t)options.cache_size;
	authd.cache.keep = options.cache_stale;
	if (!cache_begin(&authd.cache))
		give_up("cache-not-made");
	authd.inquiries.source.cache = &authd.cache;
	authd.inquiries.source.lives = (struct fact_lives){.found = lifetime(options.cache_lifetime), .none = lifetime(options.cache_negative_lifetime),
	    .stale = (int64_t)options.cache_stale * 1000};
}

/* What counts and what is offered: settings that may be wrong. */
static void
begin_rules(void)
{
	struct str problem = STR_MOST(1000);
	struct slice wrong;
	char why[HASH_WHY_MOST];
	if (!offers_begin(&authd.login.offers, &wrong)) {
		log_error("setting-wrong", log_text("file", "sasl_mechanisms"), log_slice("unknown", wrong),
		    log_text("hint", "names like PLAIN LOGIN SCRAM-SHA-256, separated by spaces; postern-authd(8) lists them"));
		exit(EXIT_MISUSE);
	}
	if (!hash_rules_ok(&authd.hashers.rules, why))
		refuse_setting("password_scheme, weak_schemes", why, "postern-authd(8) lists the schemes");
	if (!failures_begin(&authd.failures, &options.failures, &problem))
		refuse_setting("failures_exempt", str_text(&problem), NETWORKS_HINT);
	if (!clients_begin(&authd.clients, &options.clients, &problem))
		refuse_setting("client_exempt, permitted_networks", str_text(&problem), NETWORKS_HINT);
	if (!outgoing_begin(&authd.outgoing, options.outgoing, options.outgoing_limits, &problem))
		refuse_setting("outgoing_limits", str_text(&problem), "one a line: LOGIN HOUR DAY");
	str_free(&problem);
	local_aliases_begin(&authd.aliases, options.local_aliases);
	address_files_begin(&authd.files, &options.files);
}

static void
begin_memory(void)
{
	if (!usage_begin(&authd.usage) || !remembered_begin(&authd.remembered) || !tickets_begin(&authd.tickets))
		give_up("no-memory");
	authd.usage.cache = &authd.cache;
	options.resolve.usage = &authd.usage;
	options.resolve.aliases = &authd.aliases;
	options.resolve.files = &authd.files;
	authd.inquiries.options = options.resolve;
	authd.inquiries.source.users = &authd.users;
}

/* Wrong query files are told at once, all of them. */
static void
read_query_files(void)
{
	bool ok = true;
	for (enum map map = 0; map < MAP_COUNT; map++) {
		static const char *const names[MAP_COUNT] = {"sql_domains", "sql_mailboxes", "sql_aliases", "sql_quotas", "sql_passwords",
		    "sql_relay_domains", "sql_transports", "sql_senders", "sql_message_sizes", "sql_used", "sql_domain_quotas",
		    "sql_domain_used", "sql_sender_relay_hosts", "sql_sender_bcc", "sql_recipient_bcc"};
		ok = query_lists_add(&authd.database.lists, map, names[map], options.sql[map]) && ok;
		authd.inquiries.source.sql[map] = query_lists_has(&authd.database.lists, map);
		authd.inquiries.source.one_database[map] = query_lists_one_database(&authd.database.lists, map);
	}
	if (!ok)
		exit(EXIT_MISUSE);
	authd.inquiries.source.any_sql = authd.database.lists.count > 0;
	authd.users.optional = authd.inquiries.source.any_sql;
	authd.inquiries.source.by_client = query_lists_use_client(&authd.database.lists);
	authd.database.timeout = options.sql_timeout;
}

/* In a database worker. */
static void
forget_hash_key(void *key)
{
	hash_key_wipe(key);
}

static void
connect_parts(void)
{
	authd.database.forget = forget_hash_key;
	authd.database.forget_context = &authd.hashers.key;
	authd.inquiries.fetches.database = &authd.database.pool;
	authd.hashers.forget = query_lists_wipe;
	authd.hashers.forget_context = &authd.database.lists;
	authd.lookup.inquiries = &authd.inquiries;
	authd.lookup.outgoing = &authd.outgoing;
	authd.lookup.clients = &authd.clients;
	authd.ticket.inquiries = &authd.inquiries;
	authd.ticket.tickets = &authd.tickets;
	authd.login.inquiries = &authd.inquiries;
	authd.login.hashers = &authd.hashers;
	authd.login.tickets = &authd.tickets;
	authd.login.failures = &authd.failures;
	authd.login.remembered = &authd.remembered;
}

static void
open_sockets(void)
{
	if (!lookup_start(&authd.lookup) || !login_start(&authd.login) || !ticket_start(&authd.ticket))
		exit(EXIT_TEMPORARY);
}

/*
 * They are forked from the confined loop, as their successors will be: Landlock
 * would not let it end one that was forked before.
 */
static void
start_workers(void)
{
	if (!hashers_start(&authd.hashers) || !cache_start(&authd.cache))
		give_up("not-started");
	if (authd.inquiries.source.any_sql && !database_start(&authd.database, (size_t)options.sql_workers))
		give_up("not-started");
}

/* Files that are replaced by rename: their directory is what must stay in reach. */
static const char *
directory_of(const char *path, char *into)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);
	if (len >= DIRECTORY_MOST)
		refuse_setting(path, "the path is too long", "");
	memcpy(into, path, len);
	into[len] = '\0';
	if (len == 0)
		return slash == NULL ? "." : "/";
	return into;
}

static size_t
add_directory(const char *path, char *into, struct sandbox_path *paths, size_t count)
{
	const char *directory = directory_of(path, into);
	if (path[0] == '\0' || access(directory, F_OK) < 0)
		return count;
	paths[count] = (struct sandbox_path){.path = directory};
	return count + 1;
}

static void
confine(void)
{
	struct sandbox_path paths[QUERY_PATHS_MOST + WATCHED_MOST + 1];
	const char *watched[WATCHED_MOST] = {options.users_cdb, options.local_aliases};
	size_t count = query_lists_paths(&authd.database.lists, paths, QUERY_PATHS_MOST);
	address_files_paths(&options.files, watched + 2);
	for (size_t i = 0; i < WATCHED_MOST; i++)
		count = add_directory(watched[i], authd.directories[i], paths, count);
	count += cache_paths(&authd.cache, &paths[count]);
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
	begin_rules();
	read_query_files();
	if (!socket_one_identity && !sandbox_not_root(&program))
		return EXIT_MISUSE;
	begin_cache();
	begin_memory();
	connect_parts();
	if (!loop_begin() || !loop_signal(SIGTERM, terminate) || !loop_signal(SIGINT, terminate))
		give_up("event-loop-failed");
	open_sockets();
	if (authd.inquiries.source.any_sql)
		database_prepare(&authd.database.lists);
	users_cdb_refresh(&authd.users);
	local_aliases_refresh(&authd.aliases);
	address_files_refresh(&authd.files);
	confine();
	start_workers();
	log_info("ready", log_number("hash-workers", (int64_t)authd.hashers.count),
	    log_number("query-files", (int64_t)authd.database.lists.count));
	loop_run();
	cache_finish(&authd.cache);
	return EXIT_DONE;
}
