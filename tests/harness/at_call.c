/*
 * Runs a program under ptrace and, at the N-th system call that it begins after
 * its first recvmsg(2), kills it or does something else first:
 *
 *     at_call USER N COUNT-FILE kill PROGRAM [ARGUMENT...]
 *     at_call USER N COUNT-FILE COMMAND PROGRAM [ARGUMENT...]
 *
 * With `kill` it gets SIGKILL before the call is made. Otherwise COMMAND is run
 * by the shell while it stands there, and it goes on. N 0: only counts. How many
 * calls there were is written to COUNT-FILE ("-": nowhere). Ends as the program
 * does, 137 when it was killed. Root runs it; the program is USER's. x86-64 only.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL_STOP (SIGTRAP | 0x80)

static void
fail(const char *what)
{
	fprintf(stderr, "at_call: %s: %s\n", what, strerror(errno));
	exit(111);
}

static pid_t
start(const char *user, char **program)
{
	const struct passwd *p = getpwnam(user);
	if (p == NULL)
		fail(user);
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	if (setgroups(0, NULL) < 0 || setgid(p->pw_gid) < 0 || setuid(p->pw_uid) < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		fail("the user");
	raise(SIGSTOP);
	execv(program[0], program);
	fail(program[0]);
	return 0;
}

static bool
is_receive(pid_t pid)
{
	struct user_regs_struct r;
	return ptrace(PTRACE_GETREGS, pid, NULL, &r) == 0 && r.orig_rax == SYS_recvmsg;
}

static void
act(pid_t pid, const char *command)
{
	if (strcmp(command, "kill") == 0)
		kill(pid, SIGKILL);
	else if (system(command) != 0)
		fail(command);
}

/* Lets it run to its end, and acts at call `wanted`. */
static int
follow(pid_t pid, long wanted, const char *command, long *calls)
{
	int status, signal_number = 0;
	bool inside = false, counts = false;
	while (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal_number) == 0 || errno == ESRCH) {
		signal_number = 0;
		if (waitpid(pid, &status, 0) < 0)
			fail("waiting");
		if (!WIFSTOPPED(status))
			return status;
		if (WSTOPSIG(status) != CALL_STOP) {
			signal_number = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
			continue;
		}
		inside = !inside;
		counts = counts || is_receive(pid);
		if (inside && counts && ++*calls == wanted)
			act(pid, command);
	}
	fail("going on");
	return 0;
}

int
main(int argc, char **argv)
{
	int status;
	long calls = 0;
	if (argc < 6)
		return 100;
	pid_t pid = start(argv[1], argv + 5);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) < 0)
		fail("tracing");
	close(0); /* the program's alone */
	status = follow(pid, atol(argv[2]), argv[4], &calls);
	FILE *f = strcmp(argv[3], "-") == 0 ? NULL : fopen(argv[3], "w");
	if (f != NULL) {
		fprintf(f, "%ld\n", calls);
		fclose(f);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
