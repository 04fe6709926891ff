/*
 * postern-smtpd: one SMTP or submission conversation.
 *
 * Who runs it:  postern-listen, tcpserver, s6-tcpserver, tcpsvd, inetd or a systemd socket unit, one process a
 *               connection, as the user postern-smtpd.
 * Reads:        its settings; TCPREMOTEIP, TCPREMOTEHOST, TCPLOCALIP and the like, and RELAYCLIENT of its
 *               environment; the client on descriptors 0 and 1, before whom a PROXY header may stand.
 * Writes:       to the client, and its log to descriptor 2 (to syslog where inetd put the client there too).
 * Connects to:  authd/lookup, authd/login (where users may log in), tlsd/server, queue/intake: once, before it
 *               reads a byte of the client. Where names must be in DNS (helo_resolvable and its like), also the
 *               resolver, by UDP.
 *               And to the filters that its settings list (then queue/intake gives it a
 *               scratch file without a name, which it may fill up to a limit).
 * Confinement:  after that it has basic calls, messages on open sockets and dup; no file, no new socket, no new
 *               process, 16 MiB of address space.
 * Exit codes:   0 the conversation ended, however it did; 100 wrong arguments or settings; 111 a program of the
 *               suite is away (the client was told 421).
 * A full compromise of it yields: this one client's conversation (his password, if he logs in), questions to authd
 *               whether addresses exist, guesses of passwords at authd's pace, and messages put into the queue
 *               under any sender and recipient. No other client's mail, no key, no password hash, no file.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/host.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/front/proxy.h"
#include "lib/front/syslog.h"
#include "lib/ipc/socket.h"
#include "lib/sandbox/sandbox.h"
#include "smtpd/arrive.h"
#include "smtpd/config.h"
#include "smtpd/filters.h"
#include "smtpd/reply.h"
#include "smtpd/rules.h"
#include "smtpd/services.h"
#include "smtpd/session.h"
#include "smtpd/tls.h"

static struct config  config;
static struct session session;

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_DUP,
	.memory = 16 << 20,
	.descriptors = 512, /* so many of this user's may be on their way to a neighbour at once (unix(7), ETOOMANYREFS) */
	.processes = 0,
	.reaches = "nothing",
	.sockets = "connects: authd/lookup authd/login tlsd/server queue/intake; the resolver (UDP), where names must be in DNS; the filters of its settings",
	.compromise = "this client's conversation; lookups of addresses; messages into the queue under any sender",
};

static const char *bare_newline, *etrn;

static void
set_bare_newline(int at)
{
	config.bare_newline = (enum bare_newline)at;
}

static void
set_etrn(int at)
{
	config.etrn = (enum etrn)at;
}

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	HOST_SETTING,
	{"permitted_networks", SETTING_TEXT, "127.0.0.0/8 [::1]/128",
	    "networks (CIDR) whose clients may send to any address on port 25", &config.permitted_networks, 0, 0},
	PROXY_SETTING(config.proxy_networks),
	{"xclient_networks", SETTING_TEXT, "", "networks (CIDR) whose clients may say for whom they come (XCLIENT)",
	    &config.xclient_networks, 0, 0},
	{"message_size", SETTING_SIZE, "10240000", "the largest message in bytes", &config.message_size, 65536,
	    UINT64_MAX / 2},
	{"recipients_limit", SETTING_NUMBER, "1000", "recipients of one message", &config.recipients_limit, 100, 50000},
	{"error_limit", SETTING_NUMBER, "20", "5xx answers after which the session is closed", &config.error_limit, 1, 0},
	{"commands_limit", SETTING_NUMBER, "100", "commands like NOOP without a message after which the session is closed",
	    &config.commands_limit, 1, 0},
	{"timeout", SETTING_SECONDS, "300", "seconds without a byte from the client", &config.timeout, 1, 86400},
	{"lookup_timeout", SETTING_SECONDS, "30", "seconds to wait for authd's answer about an address", &config.lookup_timeout, 1,
	    3600},
	{"queue_timeout", SETTING_SECONDS, "120", "seconds to wait for queued to take or commit a message", &config.queue_timeout,
	    1, 3600},
	{"starttls", SETTING_FLAG, "yes", "offer STARTTLS (needs tlsd)", &config.starttls, 0, 0},
	{"plain_without_tls", SETTING_FLAG, "no", "let users log in over a line that is not encrypted",
	    &config.plain_without_tls, 0, 0},
	{"auth_on_25", SETTING_FLAG, "no", "let users log in on port 25 too", &config.auth_on_25, 0, 0},
	{"broken_auth_clients", SETTING_FLAG, "no", "say AUTH= too, for very old programs", &config.broken_auth_clients, 0, 0},
	{"bare_newline", SETTING_TEXT, "refuse", "refuse, or normalize: a message with a CR or LF that is no CRLF", &bare_newline,
	    0, 0},
	{"binarymime", SETTING_FLAG, "no", "take messages with BODY=BINARYMIME", &config.binarymime, 0, 0},
	{"vrfy", SETTING_FLAG, "yes", "answer VRFY (252 to every address)", &config.vrfy, 0, 0},
	{"etrn", SETTING_TEXT, "permitted", "permitted, all or no: who may have the queue tried for a domain", &etrn, 0, 0},
	{"received_client", SETTING_FLAG, "yes", "name a user's machine in the Received: line", &config.received_client, 0, 0},
	{"authenticated_sender", SETTING_FLAG, "no", "name the user in the Received: line", &config.authenticated_sender, 0, 0},
	{"milters", SETTING_TEXT, "", "milters of port 25, in order: unix:/PATH or inet:ADDRESS:PORT", &config.milters, 0, 0},
	{"submission_milters", SETTING_TEXT, "same", "milters where users log in; same: those of port 25",
	    &config.submission_milters, 0, 0},
	{"milter_connect_timeout", SETTING_SECONDS, "30", "seconds to connect to a milter", &config.milter_connect_timeout, 1, 3600},
	{"milter_command_timeout", SETTING_SECONDS, "30", "seconds to wait for a milter's answer to a command",
	    &config.milter_command_timeout, 1, 3600},
	{"milter_content_timeout", SETTING_SECONDS, "300", "seconds to wait for a milter's answer to the message",
	    &config.milter_content_timeout, 1, 3600},
	{"policy_servers", SETTING_TEXT, "", "Postfix policy servers of port 25, asked about strangers", &config.policy_servers, 0, 0},
	{"submission_policy_servers", SETTING_TEXT, "", "the same where users log in", &config.submission_policy_servers, 0, 0},
	{"policy_timeout", SETTING_SECONDS, "100", "seconds to wait for a policy server", &config.policy_timeout, 1, 3600},
	RULES_SETTINGS(config.rules),
};

/* Settings that are one of some words; the values are those of the enum in that order. */
static const struct choice {
	const char  *name;
	const char **text;
	void       (*set)(int at);
	const char  *words[4];
} choices[] = {
	{"bare_newline", &bare_newline, set_bare_newline, {"refuse", "normalize"}},
	{"etrn", &etrn, set_etrn, {"permitted", "all", "no"}},
};

static const struct program program = {
	.name = "postern-smtpd",
	.user = "postern-smtpd",
	.usage = "[--mode smtp|submission|smtps]",
	.help = "Speaks SMTP with the client on descriptors 0 and 1.\n\n"
		"  --mode smtp        mail from other servers, port 25 (the default)\n"
		"  --mode submission  mail from users, who log in, port 587\n"
		"  --mode smtps       the same with TLS from the first byte, port 465",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

static enum mode
parse_mode(int at, int argc, char **argv)
{
	if (at == argc)
		return MODE_SMTP;
	if (at + 2 != argc || strcmp(argv[at], "--mode") != 0)
		program_usage(&program);
	if (strcmp(argv[at + 1], "smtp") == 0)
		return MODE_SMTP;
	if (strcmp(argv[at + 1], "submission") == 0)
		return MODE_SUBMISSION;
	if (strcmp(argv[at + 1], "smtps") != 0)
		program_usage(&program);
	return MODE_SMTPS;
}

/* The client is told to come again (unless he waits for TLS), and this process ends. */
static _Noreturn void
turn_away(const char *status, const char *text, int code)
{
	if (config.mode != MODE_SMTPS || session.encrypted) {
		reply_closing(&session, status, text, "turned-away");
		output_flush(&session.out);
	}
	exit(code);
}

static bool
choose(const struct choice *c)
{
	for (int at = 0; c->words[at] != NULL; at++)
		if (strcmp(*c->text, c->words[at]) == 0) {
			c->set(at);
			return true;
		}
	log_error("setting-wrong", log_text("setting", c->name), log_text("value", *c->text),
	    log_text("hint", "postern-smtpd --settings says what it may be"));
	return false;
}

static bool
choose_all(void)
{
	bool ok = true;
	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
		ok = choose(&choices[i]) && ok;
	return ok;
}

static void
load_settings(void)
{
	bool ok = settings_load(settings, sizeof settings / sizeof *settings) && choose_all() && rules_check(&config.rules);
	config.hostname = host_name();
	session_begin(&session, &config);
	if (!ok)
		turn_away("4.3.5", "Service not configured", EXIT_MISUSE);
}

static void
open_services(void)
{
	if (!services_open(&session.services, &config))
		turn_away("4.3.2", "Service not available", EXIT_TEMPORARY);
	if (!rules_open(&session) || !filters_open(&session))
		turn_away("4.3.5", "Service not configured", EXIT_MISUSE);
}

static void
confine(void)
{
	if (!socket_one_identity && !sandbox_not_root(&program))
		turn_away("4.3.5", "Service not configured", EXIT_MISUSE);
	if (!sandbox_enter(&contract, NULL, 0))
		turn_away("4.3.5", "Service not configured", EXIT_TEMPORARY);
}

/* Who is there. False: the session is over. */
static bool
admit(void)
{
	switch (arrive(&session)) {
	case ARRIVE_MISCONFIGURED:
		turn_away("4.3.5", "Service not configured", EXIT_MISUSE);
	case ARRIVE_TOO_MANY:
		turn_away("4.7.0", "Too many connections from your address", EXIT_DONE);
	case ARRIVE_GONE:
		return false;
	case ARRIVE_OK:
		break;
	}
	return true;
}

/* Before the greeting: TLS on port 465, and what authd lets this client do. False: the session is over. */
static bool
prepare(void)
{
	if (config.mode == MODE_SMTPS && (!arrive_may_encrypt(&session) || !tls_begin(&session)))
		return false;
	if (session.services.login.socket >= 0 && !services_hello(&session))
		turn_away("4.3.2", "Service not available", EXIT_TEMPORARY);
	return true;
}

int
main(int argc, char **argv)
{
	log_beside_client();
	int at = program_begin(&program, argc, argv);
	config.mode = parse_mode(at, argc, argv);
	load_settings();
	peer_find(&session.peer, STDIN_FILENO);
	open_services();
	confine();
	if (admit() && prepare())
		session_run(&session);
	session_end(&session);
	return EXIT_DONE;
}
