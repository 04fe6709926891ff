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
 * Runs as: postern-tlsd, by a supervisor. SIGHUP: read the files again
 * (sessions go on); SIGTERM: end, sessions go on until they end themselves.
 *
 * Reads: settings, and in the key process the files of `certificate`,
 * `private_key` and `client_ca`. Writes nothing.
 *
 * Sockets: listens on tlsd/server (smtpd, imapd, pop3d, lmtpd).
 *
 * Confined: the acceptor may accept and fork, reach no file and connect
 * nowhere; the key process may read the directories of its files and open no
 * socket; a child may read, write and wait on what it holds. None may exec.
 *
 * Exit codes: 100 wrong settings, certificate or key; 111 temporary trouble,
 * the end of the key process among it; 0 after SIGTERM.
 *
 * Compromise: of a child, that session's plain text, the ticket keys of
 * resumption and one signature of a handshake, and with client_ca that session
 * under any client's name; of the acceptor, all sessions
 * to come; of the key process, which the network cannot reach, the keys.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/base/str.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/packet.h"
#include "lib/ipc/server.h"
#include "lib/ipc/socket.h"
#include "lib/sandbox/sandbox.h"
#include "tlsd/authorities.h"
#include "tlsd/child.h"
#include "tlsd/context.h"
#include "tlsd/handshakes.h"
#include "tlsd/keys.h"
#include "tlsd/reason.h"
#include "tlsd/signer.h"

#define START_PATIENCE 10000 /* ms, for the key process to read its files */
#define KEY_TIMEOUT    10000 /* ms, for one signature under load */
#define TAG_MOST       32
#define FRONTS_MOST    4000 /* connections that wait with their question */

static struct keys_settings key_files;
static uint64_t             handshake_timeout;
static uint64_t             most_sessions, most_handshakes;

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	{"certificate", SETTING_TEXT, "tls/certificate.pem", "PEM file: the server's certificate, then its chain",
	    &key_files.certificate, 0, 0},
	{"private_key", SETTING_TEXT, "tls/key.pem", "PEM file: the private key, readable by postern-tlsd alone",
	    &key_files.private_key, 0, 0},
	{"client_ca", SETTING_TEXT, "", "PEM file: CAs whose certificates name a client; empty: none is asked for",
	    &key_files.client_ca, 0, 0},
	{"handshake_timeout", SETTING_SECONDS, "30s", "how long a client may take for a TLS handshake, and be silent once the front has ended",
	    &handshake_timeout, 1, 3600},
	{"tls_handshakes", SETTING_NUMBER, "100", "handshakes that may be unfinished after 3 seconds; of more the oldest give way",
	    &most_handshakes, 1, FRONTS_MOST / 2},
	{"tls_sessions", SETTING_NUMBER, "4000", "most TLS connections at a time", &most_sessions, 1, 1000000},
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_FORK,
	.memory = 128 << 20,
	.descriptors = 4096,
	.reaches = "nothing (its key process: the directories of certificate, private_key and client_ca)",
	.sockets = "listens: tlsd/server",
	.compromise = "a child: its session, under any client's name with client_ca, and one signature; the acceptor: sessions to come; no key in either",
};

static const struct program program = {
	.name = "postern-tlsd",
	.user = "postern-tlsd",
	.usage = "",
	.help = "Makes TLS of the connections that the fronts hand over.\n"
	        "Run it by a supervisor. SIGHUP reads certificate, key and client_ca again.",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

static struct {
	struct watch   control; /* to the key process */
	pid_t          keys;
	SSL_CTX       *context;
	struct str     authorities; /* what has come of client_ca, for the certificate that follows */
	enum { RELOAD_NONE, RELOAD_ASKED, RELOAD_AGAIN } reload; /* AGAIN: and another is wanted after it */
	uint64_t       sessions;
	struct service server;
	struct packet  packet;
} tlsd = {.authorities = STR_MOST(AUTHORITIES_MOST), .server = {.name = "tlsd/server", .most = FRONTS_MOST}};

/* --- requests ------------------------------------------------------------------------------ */

static void
refuse(struct connection *c, const char *tag, const char *why)
{
	log_warning("tls-refused", log_text("reason", why));
	packet_begin(&tlsd.packet, "no");
	packet_add_text(&tlsd.packet, tag);
	packet_add_text(&tlsd.packet, why);
	connection_send(c, &tlsd.packet);
}

static void
start_child(struct connection *c, const char *tag, int client)
{
	struct child child = {.client = client, .requester = c->watch.fd, .control = tlsd.control.fd, .tag = tag,
	    .context = tlsd.context, .handshake_timeout = (int)handshake_timeout * 1000, .key_timeout = KEY_TIMEOUT};
	pid_t pid = fork();
	if (pid == 0)
		child_run(&child);
	if (pid < 0) {
		log_error("fork-failed", log_errno());
		refuse(c, tag, "tlsd cannot start a process");
		connection_close(c);
		return;
	}
	tlsd.sessions++;
	handshakes_add(c, pid);
}

/* accept TAG + the client's connection. The child answers, and the front then ends the conversation. One question each. */
static bool
request(struct connection *c, struct packet *p)
{
	if (((struct handshake *)c)->child != 0 || strcmp(packet_verb(p), "accept") != 0)
		return false;
	const char *tag = packet_field(p);
	int client = packet_take_descriptor(p);
	bool whole = tag != NULL && strlen(tag) <= TAG_MOST && client >= 0;
	if (whole && tlsd.sessions >= most_sessions) {
		refuse(c, tag, "too many TLS sessions at a time");
		connection_close(c);
	} else if (whole)
		start_child(c, tag, client);
	if (client >= 0)
		close(client);
	return whole;
}

/* --- processes ------------------------------------------------------------------------------ */

static void
note_end(pid_t pid, int status)
{
	if (pid == tlsd.keys) {
		log_error("key-process-ended", log_number("status", status));
		exit(EXIT_TEMPORARY);
	}
	tlsd.sessions--;
	if (!handshakes_ended(pid, status) && WIFSIGNALED(status))
		log_error("child-died", log_number("pid", pid), log_number("signal", WTERMSIG(status)));
}

static void
children_ended(int signal_number)
{
	(void)signal_number;
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		note_end(pid, status);
}

static void
terminate(int signal_number)
{
	(void)signal_number;
	loop_stop();
}

/* Forks the key process, before any key is read. Returns the socket to it, -1 when it cannot be made. */
static int
start_keys(void)
{
	int ends[2];
	if (!socket_pair(ends))
		return -1;
	tlsd.keys = fork();
	if (tlsd.keys == 0) {
		close(ends[0]);
		keys_run(ends[1], &key_files);
	}
	close(ends[1]);
	return tlsd.keys > 0 ? ends[0] : -1;
}

/* --- the certificate -------------------------------------------------------------------------- */

static int
open_channel(void)
{
	return child_open_channel(tlsd.control.fd);
}

static bool
use_certificate(struct packet *p)
{
	uint64_t id;
	if (strcmp(packet_verb(p), "certificate") != 0 || !packet_field_number(p, UINT64_MAX, &id) ||
	    tlsd.authorities.failed)
		return false;
	SSL_CTX *context = context_make(packet_rest(p), id, str_slice(&tlsd.authorities), tlsd.context);
	if (context == NULL || !context_rehearse(context, open_channel)) {
		SSL_CTX_free(context);
		return false;
	}
	SSL_CTX_free(tlsd.context);
	tlsd.context = context;
	log_info("certificate-loaded", log_text("file", key_files.certificate),
	    log_text(key_files.client_ca[0] != '\0' ? "client_ca" : NULL, key_files.client_ca));
	return true;
}

/*
 * One reload at a time: while the rehearsal waits for a signature, the key
 * process must not wait for us to take the next files.
 */
static void
ask_reload(int signal_number)
{
	(void)signal_number;
	bool under_way = tlsd.reload != RELOAD_NONE;
	tlsd.reload = under_way ? RELOAD_AGAIN : RELOAD_ASKED;
	if (under_way)
		return;
	packet_begin(&tlsd.packet, "reload");
	packet_send_wait(tlsd.control.fd, &tlsd.packet, -1);
}

static void
reload_ended(void)
{
	bool again = tlsd.reload == RELOAD_AGAIN;
	tlsd.reload = RELOAD_NONE;
	if (again)
		ask_reload(SIGHUP);
}

/* What the key process says: pieces of client_ca, then the certificate. False: the files are not fit. */
static bool
take_files(struct packet *p)
{
	if (strcmp(packet_verb(p), "authorities") == 0) {
		str_append_slice(&tlsd.authorities, packet_rest(p));
		return true;
	}
	bool used = use_certificate(p);
	str_clear(&tlsd.authorities);
	reload_ended();
	return used;
}

static void
control_ready(struct watch *w, uint32_t events)
{
	(void)events;
	enum packet_result r = packet_receive(w->fd, &tlsd.packet);
	if (r == PACKET_WAIT)
		return;
	if (r != PACKET_OK) {
		log_error("key-process-ended", log_text("hint", "see its line before this one"));
		exit(EXIT_TEMPORARY);
	}
	packet_close_descriptors(&tlsd.packet);
	if (!take_files(&tlsd.packet))
		log_error("reload-failed", log_text("hint", "the certificate from before goes on; see the line before this one"));
}

/* Waits for the first packet or one more; ends the program with the key process's reason when there is none. */
static void
wait_for_files(void)
{
	int status = 0;
	switch (packet_receive_wait(tlsd.control.fd, &tlsd.packet, START_PATIENCE)) {
	case PACKET_OK:
		break;
	case PACKET_END: /* it is ending */
		if (waitpid(tlsd.keys, &status, 0) == tlsd.keys && WIFEXITED(status))
			exit(WEXITSTATUS(status));
		exit(EXIT_TEMPORARY);
	default:
		log_error("start-failed", log_text("reason", "the key process does not answer"));
		exit(EXIT_TEMPORARY);
	}
	if (!take_files(&tlsd.packet))
		exit(EXIT_MISUSE);
}

/* --- the start ------------------------------------------------------------------------------------ */

static void
name_peers(struct peers *peers)
{
	static const char *const fronts[] = {"postern-smtpd", "postern-imapd", "postern-pop3d", "postern-lmtpd"};
	for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++)
		peers_add(peers, fronts[i]);
}

static bool
start_loop(int listening)
{
	return loop_begin() && loop_signal(SIGCHLD, children_ended) && loop_signal(SIGHUP, ask_reload) &&
	    loop_signal(SIGTERM, terminate) && loop_signal(SIGINT, terminate) && loop_add(&tlsd.control, EPOLLIN) &&
	    service_start_on(&tlsd.server, listening);
}

int
main(int argc, char **argv)
{
	if (program_begin(&program, argc, argv) < argc)
		program_usage(&program);
	program_settings(&program);
	int listening = socket_listen(tlsd.server.name);
	if (listening < 0 || (!socket_one_identity && !sandbox_not_root(&program)))
		return EXIT_TEMPORARY;
	name_peers(&tlsd.server.peers);
	tlsd.server.request = request;
	handshakes_prepare(&tlsd.server, most_handshakes);
	reason_prepare();
	tlsd.control = (struct watch){.fd = start_keys(), .ready = control_ready};
	if (tlsd.control.fd < 0 || !signer_install()) {
		log_error("start-failed", log_errno());
		return EXIT_TEMPORARY;
	}
	while (tlsd.context == NULL)
		wait_for_files();
	if (!start_loop(listening) || !sandbox_enter(&contract, NULL, 0))
		return EXIT_TEMPORARY;
	log_info("started");
	loop_run();
	return EXIT_DONE;
}
