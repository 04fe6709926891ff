/*
 * postern-lmtp: has messages of LMTP delivered.
 *
 * Who runs it: a supervisor, as the user postern-lmtpd.
 * Reads: its settings. Writes: its log on standard error.
 * Sockets: listens on lmtp/deliver, for postern-lmtpd.
 *
 * Takes requests of postern-lmtpd, each with the open message, and gives them to postern-deliver workers: those of
 * several connections together, so that they share what waiting for the disk costs. It never reads a message.
 *
 * Processes:
 *   this one   confined as its contract says, once it listens.
 *   spawner    starts the workers (lib/ipc/spawner.h). NOT confined but for limits: a process with no_new_privs could
 *              not start the setuid postern-deliver. It takes nothing but the word "spawn".
 *   workers    postern-deliver, of another user (vmail). They end when this one does.
 *
 * Exit codes: 0 told to end; 100 misuse or wrong settings; 111 temporary trouble.
 *
 * A full compromise of it yields: messages into any mailbox under any sender, which a client of LMTP may send anyway, and the
 * messages that come by LMTP from then on. No mailbox can be read, no file opened, no program of its choice started.
 */
#include <signal.h>
#include <sys/stat.h>

#include "deliver/lmtp_serve.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/socket.h"
#include "lib/ipc/spawner.h"
#include "lib/sandbox/sandbox.h"

static uint64_t workers;
static bool     told;

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	{"lmtp_workers", SETTING_NUMBER, "16", "processes that deliver what LMTP brings, at most", &workers, 2, 256},
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS,
	.memory = 256u << 20,
	.descriptors = 8192,
	.processes = 1,
	.reaches = "nothing",
	.sockets = "listens: lmtp/deliver; pairs to its postern-deliver workers",
	.compromise = "messages into any mailbox under any sender; the messages that come by LMTP",
};

static const struct program program = {
	.name = "postern-lmtp",
	.user = "postern-lmtpd",
	.usage = "",
	.help = "Has the messages delivered that postern-lmtpd brings to the socket lmtp/deliver.",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

static void
on_terminate(int number)
{
	(void)number;
	told = true;
	lmtp_serve_drain();
}

int
main(int argc, char **argv)
{
	if (program_begin(&program, argc, argv) != argc)
		program_usage(&program);
	program_settings(&program);
	if (!socket_one_identity && !sandbox_not_root(&program))
		return EXIT_MISUSE;
	umask(077);
	int spawner = spawner_start();
	if (spawner < 0 || !loop_begin() || !loop_signal(SIGTERM, on_terminate)) {
		log_error("not-started", log_errno());
		return EXIT_TEMPORARY;
	}
	if (!lmtp_serve_begin(spawner, workers) || !sandbox_enter(&contract, NULL, 0))
		return EXIT_TEMPORARY;
	log_info("ready", log_number("workers", (int64_t)workers));
	loop_run();
	return told ? EXIT_DONE : EXIT_TEMPORARY;
}
