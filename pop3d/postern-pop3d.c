/*
 * postern-pop3d: one POP3 conversation, from the greeting to the login.
 *
 * Run by tcpserver, s6-tcpserver, tcpsvd, inetd or a systemd socket, once a
 * connection, as postern-pop3d, with the connection on descriptors 0 and 1.
 *
 * Reads its settings, then opens authd/login, tlsd/server and pop3/session and
 * confines itself before it greets: no file, no new socket, no new process.
 * After the login the client's descriptor, a one-time ticket and the bytes
 * read ahead go to postern-pop3, and it exits.
 *
 * Exit codes: 0 the conversation ended, 100 wrong arguments or settings, 111
 * temporary trouble.
 *
 * A full compromise yields: this one client's password as it is typed, and
 * the guessing of others as fast as authd allows. No file, key or mailbox.
 */
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/socket.h"
#include "lib/sandbox/sandbox.h"
#include "pop3d/front.h"

#define PATIENCE 2000 /* ms for a service that is being restarted */

static const char *hostname;
static bool        plain_without_tls;

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	{"hostname", SETTING_TEXT, "", "name of this host in greetings; empty: what gethostname(2) says", &hostname, 0, 0},
	{"plain_without_tls", SETTING_FLAG, "no", "allow passwords over connections without TLS", &plain_without_tls, 0, 0},
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_DUP,
	.memory = 8 << 20,
	.descriptors = 16,
	.reaches = "nothing",
	.sockets = "connects before the greeting: authd/login, tlsd/server, pop3/session",
	.compromise = "this client's password as it is typed; no file, key or mailbox",
};

static const struct program program = {
	.name = "postern-pop3d",
	.user = "postern-pop3d",
	.usage = "[--tls]",
	.help = "Speaks POP3 on standard input and output until the login.\n"
		"  --tls      TLS from the first byte (port 995)",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

static struct front front;

static bool
parse_arguments(int argc, char **argv)
{
	int at = program_begin(&program, argc, argv);
	bool tls = at < argc && strcmp(argv[at], "--tls") == 0;
	if (at + tls != argc)
		program_usage(&program);
	return tls;
}

static const char *
find_hostname(void)
{
	static char name[256];
	if (hostname[0] != '\0')
		return hostname;
	if (gethostname(name, sizeof name - 1) < 0 || name[0] == '\0')
		return "localhost";
	return name;
}

static void
open_sockets(void)
{
	front.login.socket = socket_connect("authd/login", PATIENCE);
	front.session = socket_connect("pop3/session", PATIENCE);
	front.tlsd = socket_connect("tlsd/server", 0);
}

/* 111 when it was TLS or authd that failed, and the client heard of it. */
static int
converse(bool tls)
{
	if (tls && front.tlsd < 0)
		log_error("tlsd-unreachable", log_text("hint", "is postern-tlsd running?"));
	if (tls && (front.tlsd < 0 || !front_encrypt(&front)))
		return EXIT_TEMPORARY;
	if (front.login.socket < 0 || front_hello(&front) == LOGIN_LATER) {
		log_warning("authd-unavailable", log_text("client", front.address));
		front_error(&front, "[SYS/TEMP] try again later");
		output_flush(&front.out);
		return EXIT_TEMPORARY;
	}
	front_serve(&front);
	return EXIT_DONE;
}

int
main(int argc, char **argv)
{
	bool tls = parse_arguments(argc, argv);
	program_settings(&program);
	if (!sandbox_not_root(&program))
		return EXIT_MISUSE;
	front_open(&front);
	front_find_address(&front);
	front.hostname = find_hostname();
	front.plain_without_tls = plain_without_tls;
	open_sockets();
	if (!sandbox_enter(&contract, NULL, 0))
		return EXIT_TEMPORARY;
	return converse(tls);
}
