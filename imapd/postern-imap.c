/*
 * postern-imap: IMAP after the login; a child process for each session.
 *
 * Run by a supervisor as vmail. Listens on imap/session, where postern-imapd
 * hands over a client's connection with a one-time ticket. The parent reads
 * nothing else: it forks, and the child redeems the ticket at authd/ticket,
 * learns which user this is, closes all of the file system but his Maildir to
 * itself (Landlock), and serves him. No program can be started by either.
 *
 * SIGTERM: no new sessions; each session says BYE and ends; then the parent.
 *
 * Exit codes: 0 ended by SIGTERM, 100 wrong arguments or settings, 111
 * temporary trouble.
 *
 * A full compromise of a session yields that user's mail and what vmail may
 * ask of authd; of the parent: all mail beneath mail_root.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imapd/session_run.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/server.h"
#include "lib/sandbox/sandbox.h"

#define END_PATIENCE 5000 /* ms for sessions to say BYE */
#define TAG_MOST     1024 /* bytes of a client's tag */

static const char *mail_root;
static uint64_t    sessions_most, append_most;

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	{"mail_root", SETTING_TEXT, "/var/vmail", "the directory that all Maildirs are beneath", &mail_root, 0, 0},
	{"imap_sessions", SETTING_NUMBER, "2000", "IMAP sessions at a time", &sessions_most, 1, 100000},
	{"append_size", SETTING_SIZE, "50M", "largest message that APPEND takes", &append_most, 1024, UINT32_MAX},
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_CONNECT | CALLS_READ_FILES | CALLS_WRITE_FILES |
	         CALLS_FORK | CALLS_WATCH,
	.memory = 64 << 20,
	.processes = 0,
	.reaches = "mail_root; a session: one user's Maildir, no sockets",
	.sockets = "listens: imap/session; a session connects once: authd/ticket",
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

static struct {
	int    mail_root;
	pid_t *children; /* sessions_most of them, 0: free */
	size_t count;
	bool   ending;
} state;

/* --- sessions ------------------------------------------------------------------- */

static void
close_all_but(int client, int root)
{
	/* The parent's sockets and event loop are none of the child's business. */
	int low = client < root ? client : root;
	int high = client < root ? root : client;
	if (low > 3)
		syscall(SYS_close_range, 3U, (unsigned)low - 1, 0U);
	if (high > low + 1)
		syscall(SYS_close_range, (unsigned)low + 1, (unsigned)high - 1, 0U);
	syscall(SYS_close_range, (unsigned)high + 1, ~0U, 0U);
}

static _Noreturn void
become_session(const struct session_start *start)
{
	close_all_but(start->client, state.mail_root);
	session_run(start, state.mail_root, append_most);
}

static bool
start_session(const struct session_start *start)
{
	size_t place = 0;
	while (place < sessions_most && state.children[place] != 0)
		place++;
	if (place == sessions_most)
		return false;
	pid_t child = fork();
	if (child == 0)
		become_session(start);
	if (child < 0) {
		log_error("fork-failed", log_errno());
		return false;
	}
	state.children[place] = child;
	state.count++;
	return true;
}

/* `T TICKET IMAP-TAG CLIENT-IP tls|plain READ-AHEAD` and the client's descriptor. */
static bool
parse_request(struct packet *p, struct session_start *start)
{
	if (!slice_is(slice_of(packet_verb(p)), "session"))
		return false;
	start->id = packet_field(p);
	start->ticket = packet_field(p);
	start->tag = packet_field(p);
	start->address = packet_field(p);
	const char *line = packet_field(p);
	start->read_ahead = packet_field(p);
	start->client = packet_take_descriptor(p);
	if (start->read_ahead == NULL || start->client < 0)
		return false;
	start->tls = slice_is(slice_of(line), "tls");
	return strlen(start->tag) <= TAG_MOST && strlen(start->id) <= 64;
}

static bool
request(struct connection *c, struct packet *p)
{
	static struct packet answer;
	struct session_start start = {.client = -1};
	bool good = parse_request(p, &start);
	if (good && !state.ending && start_session(&start)) {
		packet_begin(&answer, "ok");
		packet_add_text(&answer, start.id);
	} else if (good) {
		log_warning("sessions-full", log_number("sessions", (int64_t)state.count),
		    log_text("hint", "raise the setting imap_sessions"));
		packet_begin(&answer, "later");
		packet_add_text(&answer, start.id);
		packet_add_text(&answer, "there are too many sessions");
	}
	if (start.client >= 0)
		close(start.client);
	if (good)
		connection_send(c, &answer);
	return good;
}

/* --- their end -------------------------------------------------------------------- */

static void
forget_child(pid_t child, int status)
{
	for (size_t i = 0; i < sessions_most; i++) {
		if (state.children[i] != child)
			continue;
		state.children[i] = 0;
		state.count--;
		break;
	}
	if (WIFSIGNALED(status))
		log_error("session-died", log_number("pid", child), log_number("signal", WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		log_error("session-failed", log_number("pid", child), log_number("status", WEXITSTATUS(status)));
}

static void
on_child(int number)
{
	int status;
	(void)number;
	for (pid_t child; (child = waitpid(-1, &status, WNOHANG)) > 0;)
		forget_child(child, status);
	if (state.ending && state.count == 0)
		loop_stop();
}

static void
tell_children(int number)
{
	for (size_t i = 0; i < sessions_most; i++)
		if (state.children[i] != 0)
			kill(state.children[i], number);
}

static void
out_of_patience(struct timer *t)
{
	(void)t;
	log_warning("sessions-killed", log_number("sessions", (int64_t)state.count));
	tell_children(SIGKILL);
	loop_stop();
}

static struct timer patience = {.fire = out_of_patience};

static void
on_terminate(int number)
{
	(void)number;
	state.ending = true;
	tell_children(SIGTERM);
	if (state.count == 0 || !timer_set(&patience, END_PATIENCE))
		loop_stop();
}

/* --- start ------------------------------------------------------------------------- */

static struct service service = {.name = "imap/session", .request = request};

static bool
open_mail_root(void)
{
	state.mail_root = open(mail_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state.mail_root >= 0)
		return true;
	log_error("mail-root-failed", log_text("directory", mail_root), log_errno(),
	    log_text("hint", "make it, owned by vmail, or write another into the setting mail_root"));
	return false;
}

static bool
prepare(void)
{
	date_open();
	state.children = calloc(sessions_most, sizeof *state.children);
	peers_add(&service.peers, "postern-imapd");
	return state.children != NULL && open_mail_root() && loop_begin() && loop_signal(SIGCHLD, on_child) &&
	       loop_signal(SIGTERM, on_terminate) && service_start(&service);
}

int
main(int argc, char **argv)
{
	if (program_begin(&program, argc, argv) != argc)
		program_usage(&program);
	program_settings(&program);
	if (!sandbox_not_root(&program) || !prepare())
		return EXIT_TEMPORARY;
	struct sandbox_path path = {.path = NULL, .fd = state.mail_root, .write = true};
	if (!sandbox_enter(&contract, &path, 1))
		return EXIT_TEMPORARY;
	log_info("ready", log_number("sessions", (int64_t)sessions_most));
	loop_run();
	return EXIT_DONE;
}
