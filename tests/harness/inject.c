/*
 * Makes a running process do one system call of the tester's choice, so that
 * a test sees what the kernel lets that process do, whatever its code would
 * never try.
 *
 *     inject PID openat PATH [write]   opens PATH
 *     inject PID execve PATH
 *     inject PID socket                a new Internet socket
 *     inject PID kill OTHER            signal 0 to another process
 *
 * Prints the call's result (a negative errno when it failed), or "killed
 * SIGNAL" when the kernel ended the process for it. x86-64 only.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#define PATH_ROOM 4096

static void
fail(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(111);
}

/* What stood where the path is written: in the process's stack in use, since nothing below it need be mapped. */
static char   before[PATH_ROOM];
static size_t before_len;

static void
write_text(pid_t pid, unsigned long long where, const char *text)
{
	size_t len = strlen(text) + 1;
	struct iovec old = {before, len};
	struct iovec here = {(void *)text, len};
	struct iovec there = {(void *)where, len};
	if (len > sizeof before || process_vm_readv(pid, &old, 1, &there, 1, 0) != (ssize_t)len ||
	    process_vm_writev(pid, &here, 1, &there, 1, 0) != (ssize_t)len)
		fail("writing the path");
	before_len = len;
}

/* Fills the registers for the call; `text` is where a path may stand in the process. */
static bool
prepare(pid_t pid, int argc, char **argv, struct user_regs_struct *r, unsigned long long text)
{
	const char *call = argv[2];
	if (strcmp(call, "socket") == 0) {
		r->rax = SYS_socket;
		r->rdi = AF_INET;
		r->rsi = SOCK_STREAM;
		r->rdx = 0;
		return true;
	}
	if (argc < 4)
		return false;
	if (strcmp(call, "kill") == 0) {
		r->rax = SYS_kill;
		r->rdi = (unsigned long long)atol(argv[3]);
		r->rsi = 0;
		return true;
	}
	write_text(pid, text, argv[3]);
	if (strcmp(call, "openat") == 0) {
		r->rax = SYS_openat;
		r->rdi = (unsigned long long)AT_FDCWD;
		r->rsi = text;
		r->rdx = argc > 4 ? O_WRONLY | O_CREAT : O_RDONLY;
		r->r10 = 0600;
		return true;
	}
	if (strcmp(call, "execve") == 0) {
		r->rax = SYS_execve;
		r->rdi = text;
		r->rsi = r->rdx = 0;
		return true;
	}
	return false;
}

/* Lets the process do the prepared call at its present place, and stops it again. False: it was killed for it. */
static bool
do_call(pid_t pid, struct user_regs_struct *r)
{
	errno = 0;
	long code = ptrace(PTRACE_PEEKTEXT, pid, (void *)r->rip, NULL);
	if (errno != 0)
		fail("reading its code");
	long call = (code & ~0xffffL) | 0x050f; /* "syscall" */
	r->orig_rax = (unsigned long long)-1;   /* nothing to go on with */
	int status;
	if (ptrace(PTRACE_POKETEXT, pid, (void *)r->rip, (void *)call) < 0 || ptrace(PTRACE_SETREGS, pid, NULL, r) < 0 ||
	    ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0 || waitpid(pid, &status, __WALL) < 0)
		fail("the call");
	if (WIFSIGNALED(status) || (WIFSTOPPED(status) && WSTOPSIG(status) == SIGSYS)) {
		printf("killed %s\n", sigabbrev_np(WIFSIGNALED(status) ? WTERMSIG(status) : SIGSYS));
		return false;
	}
	if (ptrace(PTRACE_GETREGS, pid, NULL, r) < 0 || ptrace(PTRACE_POKETEXT, pid, (void *)(r->rip - 2), (void *)code) < 0)
		fail("after the call");
	return true;
}

int
main(int argc, char **argv)
{
	struct user_regs_struct saved, r;
	int status;
	pid_t pid = argc > 2 ? (pid_t)atol(argv[1]) : 0;
	if (pid <= 0)
		return 100;
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0 || waitpid(pid, &status, __WALL) < 0)
		fail("attaching");
	if (ptrace(PTRACE_GETREGS, pid, NULL, &saved) < 0)
		fail("reading registers");
	r = saved;
	if (!prepare(pid, argc, argv, &r, saved.rsp)) {
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
		return 100;
	}
	if (!do_call(pid, &r))
		return 0;
	printf("%lld\n", (long long)r.rax);
	struct iovec old = {before, before_len};
	struct iovec there = {(void *)saved.rsp, before_len};
	if (before_len > 0 && process_vm_writev(pid, &old, 1, &there, 1, 0) < 0)
		fail("putting the stack back");
	ptrace(PTRACE_SETREGS, pid, NULL, &saved);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return 0;
}
