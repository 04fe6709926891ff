/*
 * postern-tlsd: TLS for all others.
 *
 * What: a front (smtpd, imapd, pop3d, lmtpd) hands its client's connection
 * over the socket tlsd/server and gets a plain stream back. Three kinds of
 * process do it:
 *
 *   keys      holds the private keys, signs, speaks with nobody outside (keys.h)
 *   acceptor  the main process: takes requests, forks, reads no TLS
 *   child     one a connection: handshake and relay, no key, no file (child.h)
 *
 * Runs as: postern-tlsd, by a supervisor. SIGHUP: read settings and files
 * again (sessions go on; files that change are taken without it); SIGTERM: end,
 * sessions go on until they end themselves.
 *
 * Reads: settings, at the start `tls_ca_file`, and in the key process the
 * files of `certificate`, `private_key`, `certificates` and `client_ca`.
 * Writes nothing.
 *
 * Sockets: listens on tlsd/server (smtpd, imapd, pop3d, lmtpd; root may ask
 * which certificates there are) and on tlsd/client (remote: TLS with other
 * hosts, outgoing.h).
 *
 * Confined: the acceptor may accept and fork, reach no file and connect
 * nowhere; the key process may read the directories of its files and open no
 * socket; a child may read, write and wait on what it holds. None may exec.
 *
 * Exit codes: 100 wrong settings, certificate or key; 111 temporary trouble,
 * the end of the key process among it; 0 after SIGTERM.
 *
 * Compromise: of a child, that session's plain text, during its handshake the
 * ticket keys of resumption, and one signature of a handshake, and with client_ca that session
 * under any client's name; of the acceptor, all sessions
 * to come; of the key process, which the network cannot reach, the keys.
 */
#include <signal.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/socket.h"
#include "lib/sandbox/sandbox.h"
#include "tlsd/acceptor.h"
#include "tlsd/check.h"
#include "tlsd/children.h"
#include "tlsd/handshakes.h"
#include "tlsd/keys.h"
#include "tlsd/material.h"
#include "tlsd/outgoing.h"
#include "tlsd/own_memory.h"
#include "tlsd/reason.h"
#include "tlsd/tickets.h"

static const char *ca_file;

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	KEYS_SETTINGS,
	{"tls_ca_file", SETTING_TEXT, OUTGOING_CA_FILE, "PEM file: the CAs that vouch for hosts that mail goes to", &ca_file, 0, 0},
	{"handshake_timeout", SETTING_SECONDS, "30s", "how long a client may take for a TLS handshake, and be silent once the front has ended",
	    &acceptor_handshake_timeout, 1, 3600},
	{"tls_resumption", SETTING_SECONDS, "1h", "how long a session may be resumed by its ticket; 0: never", &tickets_lifetime, 0, 604800},
	{"tls_handshakes", SETTING_NUMBER, "100", "handshakes that may be unfinished after 3 seconds; of more the oldest give way",
	    &handshakes_most, 1, 2000},
	{"tls_sessions", SETTING_NUMBER, "4000", "most TLS connections at a time", &children_most, 1, 1000000},
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_FORK,
	.memory = (size_t)512 << 20,
	.descriptors = 4096,
	.reaches = "nothing (its key process: the settings and the directories of certificate, private_key, certificates and client_ca)",
	.sockets = "listens: tlsd/server tlsd/client",
	.compromise = "a child: its session, under any client's name with client_ca, and one signature; the acceptor: sessions to come; no key in either",
};

static const struct program program = {
	.name = "postern-tlsd",
	.user = "postern-tlsd",
	.usage = "[--check [--json]]",
	.help = "Makes TLS of the connections that the fronts hand over.\n"
	        "Run it by a supervisor. SIGHUP reads settings, certificates and keys again.\n"
	        "  --check [--json]   what the certificates' files hold; 0 when all are fit, else 100",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

static void
terminate(int signal_number)
{
	(void)signal_number;
	loop_stop();
}

static bool
start_loop(int listening, int listening_out)
{
	return loop_begin() && loop_signal(SIGCHLD, children_ended) && loop_signal(SIGHUP, material_reload) &&
	    loop_signal(SIGTERM, terminate) && loop_signal(SIGINT, terminate) && material_watch() &&
	    acceptor_start(listening) && outgoing_start(listening_out, (int)acceptor_handshake_timeout * 1000);
}

int
main(int argc, char **argv)
{
	int first = program_begin(&program, argc, argv);
	bool check = first < argc && strcmp(argv[first], "--check") == 0;
	bool json = check && first + 1 < argc && strcmp(argv[first + 1], "--json") == 0;
	if (first + check + json < argc)
		program_usage(&program);
	program_settings(&program);
	own_memory_prepare();
	reason_prepare();
	if (check)
		check_run(program.user, json);
	int listening = socket_listen(ACCEPTOR_SOCKET);
	int listening_out = socket_listen(OUTGOING_SOCKET);
	if (listening < 0 || listening_out < 0 || (!socket_one_identity && !sandbox_not_root(&program)))
		return EXIT_TEMPORARY;
	material_start();
	if (!outgoing_prepare(ca_file))
		return EXIT_MISUSE;
	if (!start_loop(listening, listening_out) || !sandbox_enter(&contract, NULL, 0))
		return EXIT_TEMPORARY;
	log_info("started");
	loop_run();
	return EXIT_DONE;
}
