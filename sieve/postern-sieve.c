/*
 * postern-sieve: runs the Sieve scripts of users (RFC 5228) for postern-deliver.
 *
 * Who runs it:  postern-deliver, before it confines itself, as vmail (--worker);
 *               whoever wants to know whether a script is right (--check).
 * Reads:        its settings; requests of deliver on descriptor 0, a SEQPACKET
 *               socket, each with one end of a pair. A child of its own for each
 *               message takes scripts, envelope and header from there, and says
 *               what is to be done (serve.h). --check: the file.
 * Writes:       nothing but that, and its log to descriptor 2.
 * Confinement:  before the first request: basic calls, messages, and forks of
 *               itself; no file, no new socket, no program. The child loses the
 *               forks too, and has 2 seconds of processor time.
 * Exit codes:   0 the socket ended, or the script is right; 1 the script is
 *               wrong; 100 wrong arguments or settings; 111 temporary trouble.
 * A full compromise of a child yields: the header of one message, where that
 *               message goes, and a letter of its choice to anybody, from this user's mailbox.
 *               Of the parent: the same of the messages that come later to this deliver.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/host.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/packet.h"
#include "lib/mail/charset.h"
#include "lib/mail/date.h"
#include "lib/sandbox/sandbox.h"
#include "sieve/check.h"
#include "sieve/definitions.h"
#include "sieve/serve.h"

#define EXIT_WRONG 1
#define SECONDS    2     /* of processor time for one message */
#define SEND       10000 /* ms */

static struct sieve_limits limits;

static const struct setting settings[] = {
	HOST_SETTING,
	{"recipient_delimiter", SETTING_TEXT, "+", "what parts user and extension in an address; empty: no extensions",
	    &limits.delimiters, 0, 0},
	{"sieve_redirects", SETTING_NUMBER, "4", "redirects that one script may do for one message", &limits.redirects, 0, 32},
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_FORK,
	.memory = 48 << 20,
	.descriptors = 16,
	.reaches = "nothing",
	.sockets = "serves: descriptor 0",
	.compromise = "headers of a user's mail, where it goes, and letters from him",
};

static const struct contract child_contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES,
	.memory = 48 << 20,
	.descriptors = 16,
	.reaches = "nothing",
	.sockets = "none",
	.compromise = "one message's header, where it goes, and a letter from its recipient",
};

static const struct program program = {
	.name = "postern-sieve",
	.user = "vmail",
	.usage = "--worker | --check FILE | --extensions",
	.help = "Runs Sieve scripts for postern-deliver.\n\n"
	        "  --worker      serve requests on descriptor 0 (a SEQPACKET socket)\n"
	        "  --check FILE  say what is wrong with a script, and in which line\n"
	        "  --extensions  the extensions that a script may require",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

#ifdef POSTERN_SANITIZE
/* The leak check needs calls that the filter forbids, and a child ends with what it has. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

/* --- serving -------------------------------------------------------------------------- */

static _Noreturn void
run_child(int socket)
{
	const struct rlimit time = {.rlim_cur = SECONDS, .rlim_max = SECONDS};
	close(STDIN_FILENO);
	if (setrlimit(RLIMIT_CPU, &time) < 0 || !sandbox_enter(&child_contract, NULL, 0))
		_exit(EXIT_TEMPORARY);
	_exit(sieve_serve(socket, &limits) ? EXIT_DONE : EXIT_TEMPORARY);
}

/* Deliver sees the end of its pair when the child ends, however it does; what was no fault of the script's is told. */
static void
wait_for_child(pid_t child)
{
	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return;
	if (WIFSIGNALED(status))
		log_error("interpreter-killed", log_number("signal", WTERMSIG(status)));
}

static void
say_later(int socket)
{
	static struct packet p;
	log_error("fork-failed", log_errno());
	packet_begin(&p, "later");
	packet_send_wait(socket, &p, SEND);
}

static void
serve_one(int socket)
{
	pid_t child = fork();
	if (child == 0)
		run_child(socket);
	if (child < 0)
		say_later(socket);
	close(socket);
	if (child > 0)
		wait_for_child(child);
}

static int
serve(void)
{
	static struct packet p;
	for (;;) {
		enum packet_result r = packet_receive_wait(STDIN_FILENO, &p, -1);
		if (r == PACKET_END)
			return EXIT_DONE;
		int socket = r == PACKET_OK ? packet_take_descriptor(&p) : -1;
		packet_close_descriptors(&p);
		if (socket < 0)
			return EXIT_TEMPORARY;
		serve_one(socket);
	}
}

static int
run_worker(void)
{
	program_settings(&program);
	host_name();
	date_open();
	charset_open();
	return sandbox_enter(&contract, NULL, 0) ? serve() : EXIT_TEMPORARY;
}

/* --- checking ---------------------------------------------------------------------------- */

static int
check(const char *file)
{
	struct sieve_memory memory = {.chunks = NULL};
	struct sieve_problem problem = {.line = 0};
	struct sieve_script script;
	static char text[SIEVE_SCRIPT_MOST + 1];
	FILE *f = fopen(file, "re");
	if (f == NULL) {
		fprintf(stderr, "%s: %s: %s\n", program.name, file, strerror(errno));
		return EXIT_MISUSE;
	}
	size_t len = fread(text, 1, sizeof text, f);
	bool read = !ferror(f);
	fclose(f);
	if (!sandbox_enter(&child_contract, NULL, 0) || !read)
		return EXIT_TEMPORARY;
	bool ok = sieve_compile(&script, slice_make(text, len), &memory, &problem);
	if (!ok)
		printf("%s: line %u: %s\n", file, problem.line, problem.text);
	return fflush(stdout) != 0 ? EXIT_TEMPORARY : ok ? EXIT_DONE : EXIT_WRONG;
}

int
main(int argc, char **argv)
{
	int first = program_begin(&program, argc, argv);
	const char *option = first < argc ? argv[first] : "";
	if (strcmp(option, "--worker") == 0 && argc == first + 1)
		return run_worker();
	if (strcmp(option, "--check") == 0 && argc == first + 2)
		return check(argv[first + 1]);
	if (strcmp(option, "--extensions") != 0 || argc != first + 1)
		program_usage(&program);
	puts(sieve_extensions);
	return EXIT_DONE;
}
