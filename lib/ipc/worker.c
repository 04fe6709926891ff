#include "lib/ipc/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/paths.h"
#include "lib/base/program.h"
#include "lib/base/str.h"
#include "lib/ipc/socket.h"

#define PATH_LIMIT 4096

extern char **environ;

static _Noreturn void
become(const char *program, const char *path, int socket)
{
	if (dup2(socket, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(EXIT_TEMPORARY);
	signal(SIGCHLD, SIG_DFL);
	char *arguments[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)"--worker", NULL};
	execve(path, arguments, environ);
	log_error("exec-failed", log_text("program", path), log_errno());
	_exit(EXIT_TEMPORARY);
}

static int
start(const char *program, const char *path)
{
	int pair[2];
	if (!socket_pair(pair))
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		become(program, path, pair[1]);
	int saved = errno;
	close(pair[1]);
	if (pid > 0)
		return pair[0];
	close(pair[0]);
	errno = saved;
	return -1;
}

int
worker_start(const char *program)
{
	struct str path = STR_MOST(PATH_LIMIT);
	int fd = -1;
	if (str_append_format(&path, "%s/%s", paths_libexec, program))
		fd = start(program, str_text(&path));
	else
		errno = ENAMETOOLONG;
	str_free(&path);
	return fd;
}
