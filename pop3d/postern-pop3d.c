/*
 * postern-pop3d: one POP3 conversation, from the greeting to the login.
 *
 * Run by postern-listen, tcpserver, s6-tcpserver, inetd or a systemd socket, once a
 * connection, as postern-pop3d, with the connection on descriptors 0 and 1. Its
 * log goes to descriptor 2, to syslog where inetd put the connection there too.
 *
 * Reads its settings, then opens authd/login, authd/lookup, tlsd/server and pop3/session and
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
#include "lib/base/host.h"
#include "lib/base/program.h"
#include "lib/front/proxy.h"
#include "lib/ipc/socket.h"
#include "lib/sandbox/sandbox.h"
#include "pop3d/capabilities.h"
#include "pop3d/front.h"

static struct front front;

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	HOST_SETTING,
	{"plain_without_tls", SETTING_FLAG, "no", "allow passwords over connections without TLS",
	    &front.gate.plain_without_tls, 0, 0},
	PROXY_SETTING(front.gate.proxy_networks),
	EXPIRE_SETTING(front.expire),
	LOGIN_DELAY_SETTING(front.login_delay),
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_DUP,
	.memory = 8 << 20,
	.descriptors = 512, /* so many of this user's may be on their way to a neighbour at once (unix(7), ETOOMANYREFS) */
	.reaches = "nothing",
	.sockets = "connects before the greeting: authd/login, authd/lookup, tlsd/server, pop3/session",
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

/* No more is done for this client. */
static int
turn_away(const char *why, bool tls)
{
	if (why == NULL || tls)
		return EXIT_DONE;
	output_format(&front.gate.out, "-ERR [SYS/TEMP] %s\r\n", why);
	output_flush(&front.gate.out);
	return EXIT_DONE;
}

/* TLS where it is first, and what authd lets this client do. */
static int
converse(bool tls)
{
	const char *why;
	if (!gate_arrive(&front.gate, &why) || (tls && !gate_allows(&front.gate, LEASE_TLS)))
		return turn_away(why, tls);
	if (tls && !gate_encrypt(&front.gate))
		return EXIT_TEMPORARY;
	if (!gate_hello(&front.gate)) {
		front_error(&front, "SYS/TEMP", TEXT_COME_LATER);
		output_flush(&front.gate.out);
		return EXIT_TEMPORARY;
	}
	front_serve(&front);
	return EXIT_DONE;
}

int
main(int argc, char **argv)
{
	bool tls = gate_arguments(&program, argc, argv);
	program_settings(&program);
	if (!expire_is_valid(front.expire) || !sandbox_not_root(&program))
		return EXIT_MISUSE;
	front.user = STR_MOST(FRONT_USER_MOST);
	gate_open(&front.gate, "pop3", "pop3/session", tls);
	if (!sandbox_enter(&contract, NULL, 0))
		return EXIT_TEMPORARY;
	return converse(tls);
}
