/*
 * postern-pop3: POP3 after the login, a process a session.
 *
 * Run by the supervisor as vmail. Listens on pop3/session, where postern-pop3d
 * hands over clients that have logged in: descriptor, one-time ticket, bytes
 * read ahead. Forks at once; the child redeems the ticket at authd/ticket, so
 * it learns from nobody but authd whose mail this is, opens that Maildir
 * beneath mail_root, confines itself to it and serves.
 *
 * The parent parses only packets of postern-pop3d; it is confined to mail_root.
 * A child: one Maildir (Landlock), no new socket, no new process, 64 MiB.
 *
 * Exit codes: 0 on SIGTERM, 100 wrong arguments or settings, 111 temporary
 * trouble.
 *
 * A full compromise of a child yields one user's mail; of the parent, all
 * mail, and tickets as they pass (each good for one session).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/server.h"
#include "lib/ipc/socket.h"
#include "lib/sandbox/sandbox.h"
#include "lib/store/maildir.h"
#include "pop3d/start.h"

static const char *mail_root;
static const char *hostname;
static uint64_t    sessions_limit;

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	{"mail_root", SETTING_TEXT, "/var/vmail", "the directory that all Maildirs are beneath", &mail_root, 0, 0},
	{"hostname", SETTING_TEXT, "", "name of this host in names of messages; empty: what gethostname(2) says", &hostname,
	    0, 0},
	{"pop3_sessions_limit", SETTING_NUMBER, "1000", "sessions at a time", &sessions_limit, 1, 100000},
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_CONNECT | CALLS_READ_FILES | CALLS_WRITE_FILES |
	    CALLS_FORK,
	.memory = 64 << 20,
	.descriptors = 1024,
	.processes = 1,
	.reaches = "mail_root; a session: one Maildir",
	.sockets = "listens: pop3/session; connects: authd/ticket",
	.compromise = "all mail, tickets as they pass; of a session: one user's mail",
};

static const struct program program = {
	.name = "postern-pop3",
	.user = "vmail",
	.usage = "",
	.help = "Serves POP3 sessions that postern-pop3d hands over on the socket pop3/session.",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

static int      mail_root_fd = -1;
static uint64_t sessions;

static bool request(struct connection *c, struct packet *p);

static struct service service = {.name = "pop3/session", .request = request};

static void
answer(struct connection *c, const char *status, const char *tag, const char *why)
{
	struct packet p;
	packet_begin(&p, status);
	packet_add_text(&p, tag);
	if (why != NULL)
		packet_add_text(&p, why);
	connection_send(c, &p);
}

/* `session T TICKET CLIENT-IP tls|plain READ-AHEAD` and the client */
static bool
read_request(struct packet *p, struct start *start)
{
	if (strcmp(packet_verb(p), "session") != 0)
		return false;
	start->id = packet_field(p);
	start->ticket = packet_field(p);
	start->address = packet_field(p);
	const char *line = packet_field(p);
	start->ahead = packet_field(p);
	if (start->ahead == NULL)
		return false;
	start->encrypted = strcmp(line, "tls") == 0;
	start->client = packet_take_descriptor(p);
	return start->client >= 0;
}

#define CLOSE_RANGE 436 /* close_range(2), Linux 5.9; not in every libc */

static void
close_between(int first, int last)
{
	if (first > last || syscall(CLOSE_RANGE, (unsigned)first, (unsigned)last, 0u) == 0)
		return;
	for (int fd = first; fd <= last && fd < (int)contract.descriptors; fd++)
		close(fd);
}

/* The child forgets all that is the parent's: the listening socket, other fronts, the loop. */
static _Noreturn void
run_child(const struct start *start)
{
	int low = start->client < mail_root_fd ? start->client : mail_root_fd;
	int high = start->client < mail_root_fd ? mail_root_fd : start->client;
	close_between(3, low - 1);
	close_between(low + 1, high - 1);
	close_between(high + 1, INT_MAX);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	start_session(start, mail_root_fd);
}

static bool
request(struct connection *c, struct packet *p)
{
	struct start start;
	if (!read_request(p, &start))
		return false;
	pid_t child = sessions < sessions_limit ? fork() : -1;
	if (child == 0)
		run_child(&start);
	close(start.client);
	if (child > 0) {
		sessions++;
		answer(c, "ok", start.id, NULL);
		return true;
	}
	log_warning("session-not-started", log_number("sessions", (int64_t)sessions),
	    log_text("hint", "see the setting pop3_sessions_limit, and the limit of processes"));
	answer(c, "later", start.id, "too many sessions");
	return true;
}

static void
reap_children(int number)
{
	int status;
	pid_t child;
	(void)number;
	while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
		sessions--;
		if (WIFSIGNALED(status))
			log_error("session-died", log_number("pid", child), log_number("signal", WTERMSIG(status)));
	}
}

/* Sessions go on without us and end by themselves. */
static void
stop(int number)
{
	(void)number;
	loop_stop();
}

static bool
open_mail_root(void)
{
	mail_root_fd = open(mail_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mail_root_fd >= 0)
		return true;
	log_error("mail-root", log_text("directory", mail_root), log_errno(),
	    log_text("hint", "make the directory, owned by vmail, mode 0700, or correct the setting mail_root"));
	return false;
}

static bool
confine(void)
{
	const struct sandbox_path paths[] = {{.fd = mail_root_fd, .write = true}};
	return sandbox_enter(&contract, paths, 1);
}

int
main(int argc, char **argv)
{
	if (program_begin(&program, argc, argv) != argc)
		program_usage(&program);
	program_settings(&program);
	if (!sandbox_not_root(&program))
		return EXIT_MISUSE;
	umask(077);
	maildir_set_host(hostname);
	peers_add(&service.peers, "postern-pop3d");
	if (!open_mail_root() || !loop_begin() || !loop_signal(SIGCHLD, reap_children) || !loop_signal(SIGTERM, stop) ||
	    !service_start(&service) || !confine())
		return EXIT_TEMPORARY;
	loop_run();
	return EXIT_DONE;
}
