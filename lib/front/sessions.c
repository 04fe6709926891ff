#include "lib/front/sessions.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/sandbox/sandbox.h"

#define OLD_KERNEL_MOST 4096 /* descriptors closed one by one where close_range(2) is not there (before Linux 5.9) */

static struct sessions *running;

/* --- beginning --------------------------------------------------------------------- */

static void
close_between(int first, int last)
{
	if (first > last || syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0U) == 0)
		return;
	for (int fd = first; fd <= last && fd < OLD_KERNEL_MOST; fd++)
		close(fd);
}

/* The listening socket, the loop and other fronts are none of a session's business. */
static _Noreturn void
become_session(const struct handover *h)
{
	int low = h->client < running->root ? h->client : running->root;
	int high = h->client < running->root ? running->root : h->client;
	close_between(3, low - 1);
	close_between(low + 1, high - 1);
	close_between(high + 1, ~0U >> 1);
	running->serve(h, running->root);
	_exit(EXIT_DONE);
}

/* NULL, or why there is no session (logged). */
static const char *
start_session(const struct handover *h)
{
	size_t place = 0;
	while (place < running->most && running->children[place] != 0)
		place++;
	if (place == running->most) {
		log_warning("sessions-full", log_number("sessions", (int64_t)running->count),
		    log_text("setting", running->most_setting), log_text("hint", "raise that setting"));
		return "there are too many sessions";
	}
	pid_t child = fork();
	if (child == 0)
		become_session(h);
	if (child < 0) {
		log_error("fork-failed", log_errno());
		return "no process can be made";
	}
	running->children[place] = child;
	running->count++;
	return NULL;
}

static bool
request(struct connection *c, struct packet *p)
{
	static struct packet answer;
	struct handover h;
	if (!handover_read(p, &h))
		return false;
	const char *why = running->ending ? "the server is going down" : start_session(&h);
	close(h.client);
	packet_begin(&answer, why == NULL ? "ok" : "later");
	packet_add_text(&answer, h.id);
	if (why != NULL)
		packet_add_text(&answer, why);
	connection_send(c, &answer);
	return true;
}

/* --- ending ------------------------------------------------------------------------ */

static void
forget_child(pid_t child, int status)
{
	for (size_t i = 0; i < running->most; i++) {
		if (running->children[i] != child)
			continue;
		running->children[i] = 0;
		running->count--;
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
	if (running->ending && running->count == 0)
		loop_stop();
}

static void
tell_children(int number)
{
	for (size_t i = 0; i < running->most; i++)
		if (running->children[i] != 0)
			kill(running->children[i], number);
}

static void
out_of_patience(struct timer *t)
{
	(void)t;
	log_warning("sessions-killed", log_number("sessions", (int64_t)running->count));
	tell_children(SIGKILL);
	loop_stop();
}

static struct timer patience = {.fire = out_of_patience};

static void
on_terminate(int number)
{
	(void)number;
	running->ending = true;
	if (running->patience > 0)
		tell_children(SIGTERM);
	if (running->patience == 0 || running->count == 0 || !timer_set(&patience, running->patience))
		loop_stop();
}

/* --- start ------------------------------------------------------------------------- */

static bool
open_root(struct sessions *s)
{
	s->root = open(s->mail_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root >= 0)
		return true;
	log_error("mail-root-failed", log_text("directory", s->mail_root), log_errno(),
	    log_text("hint", "make it, owned by vmail, or write another into the setting mail_root"));
	return false;
}

bool
sessions_start(struct sessions *s, const struct contract *c)
{
	running = s;
	s->service.request = request;
	s->children = calloc(s->most, sizeof *s->children);
	peers_add(&s->service.peers, s->front);
	if (s->children == NULL || !open_root(s) || !loop_begin() || !loop_signal(SIGCHLD, on_child) ||
	    !loop_signal(SIGTERM, on_terminate) || !service_start(&s->service))
		return false;
	const struct sandbox_path path = {.fd = s->root, .write = true};
	return sandbox_enter(c, &path, 1);
}

void
sessions_run(void)
{
	log_info("ready", log_number("sessions", (int64_t)running->most));
	loop_run();
}
