#include "tlsd/children.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/program.h"
#include "tlsd/handshakes.h"

uint64_t children_most;

static struct {
	pid_t         keys;
	uint64_t      count;
	struct packet packet;
} children;

static void
refuse(struct connection *c, const char *tag, const char *why)
{
	log_warning("tls-refused", log_text("reason", why));
	packet_begin(&children.packet, "no");
	packet_add_text(&children.packet, tag);
	packet_add_text(&children.packet, why);
	connection_send(c, &children.packet);
}

pid_t
children_fork(struct connection *c, const char *tag)
{
	if (children.count >= children_most) {
		refuse(c, tag, "too many TLS sessions at a time");
		return -1;
	}
	pid_t pid = fork();
	if (pid > 0)
		children.count++;
	if (pid < 0) {
		log_error("fork-failed", log_errno());
		refuse(c, tag, "tlsd cannot start a process");
	}
	return pid;
}

void
children_watch_keys(pid_t keys)
{
	children.keys = keys;
}

static void
note_end(pid_t pid, int status)
{
	if (pid == children.keys) {
		log_error("key-process-ended", log_number("status", status));
		exit(EXIT_TEMPORARY);
	}
	children.count--;
	if (!handshakes_ended(pid, status) && WIFSIGNALED(status))
		log_error("child-died", log_number("pid", pid), log_number("signal", WTERMSIG(status)));
}

void
children_ended(int signal_number)
{
	(void)signal_number;
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		note_end(pid, status);
}
