#include "queue/spawner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/paths.h"
#include "lib/base/program.h"
#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"

extern char **environ;

/* In the child: becomes the worker. */
static _Noreturn void
become_worker(int socket, const char *program)
{
	if (dup2(socket, STDIN_FILENO) < 0)
		_exit(EXIT_TEMPORARY);
	signal(SIGCHLD, SIG_DFL);
	char *arguments[] = {(char *)(uintptr_t)"postern-deliver", (char *)(uintptr_t)"--worker", NULL};
	execve(program, arguments, environ);
	log_error("exec-failed", log_text("program", program), log_errno());
	_exit(EXIT_TEMPORARY);
}

/* The manager's end of a new worker's pair, or -1 with errno. */
static int
start_worker(const char *program)
{
	int pair[2];
	if (!socket_pair(pair))
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		become_worker(pair[1], program);
	int saved = errno;
	close(pair[1]);
	if (pid > 0)
		return pair[0];
	close(pair[0]);
	errno = saved;
	return -1;
}

static bool
serve(int manager, struct packet *p, const char *program)
{
	if (packet_receive_wait(manager, p, -1) != PACKET_OK || strcmp(packet_verb(p), "spawn") != 0)
		return false;
	int fd = start_worker(program);
	packet_begin(p, fd >= 0 ? "ok" : "later");
	if (fd >= 0)
		packet_add_descriptor(p, fd);
	else
		packet_add_text(p, strerror(errno));
	bool sent = packet_send_wait(manager, p, -1) == PACKET_OK;
	if (fd >= 0)
		close(fd);
	return sent;
}

static void
set_limits(void)
{
	/* Only what the workers may inherit: they set their own. */
	struct rlimit no_core = {0, 0};
	setrlimit(RLIMIT_CORE, &no_core);
}

_Noreturn void
spawner_run(int manager)
{
	static struct packet p;
	char program[4096];
	log_session("part", "spawner");
	snprintf(program, sizeof program, "%s/postern-deliver", paths_libexec);
	signal(SIGCHLD, SIG_IGN); /* ended workers leave nothing behind */
	set_limits();
	while (serve(manager, &p, program))
		;
	exit(EXIT_SUCCESS);
}
