/*
 * Runs a program and all that it starts as if the machine were in trouble:
 * system calls fail, and the wall clock jumps.
 *
 *     faults ORDERS PROGRAM [ARGUMENT...]
 *
 * ORDERS is a file with a struct orders, which the test changes while the
 * program runs (tests/harness/faults.py). x86-64 only.
 *
 * The programs are confined, and a filter kills who is made to do another call
 * than his own. So a call that is to fail is let go on with an argument that
 * the kernel refuses (no descriptor, no path), and then its answer is changed:
 * nothing has happened, as after a true failure. And the vDSO, which tells the
 * time without a system call, is taken out of what exec tells the program.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum kind {
	OPEN = 1,
	READ = 2,
	WRITE = 4,
	SYNC = 8,
	REMOVE = 16,
	RENAME = 32,
	MEMORY = 64,
	ACCEPT = 128,
	SOCKET = 256,
	TRUNCATE = 512,
};

struct orders {
	int64_t  shift;      /* seconds that the wall clock is ahead */
	uint32_t kinds;      /* calls that are meant; 0: none */
	uint32_t error;      /* what they fail with */
	uint32_t after;      /* the first that fails, from 1 */
	uint32_t times;      /* how many fail from there on */
	uint32_t seen;       /* calls that were meant, since `kinds` was set */
	uint32_t failed;     /* of these */
	char     under[256]; /* only what is open or named beneath this directory; "": all */
	char     last[256];  /* the last that failed, for people */
};

static const struct call {
	long        number;
	const char *name;
	enum kind   kind;
	int         spoiled;    /* the argument that the kernel is to refuse */
	long        with;
	int         descriptor; /* the argument that is a descriptor of a file or directory, or -1 */
} calls[] = {
	{SYS_openat, "openat", OPEN, 1, 0, 0},
	{SYS_open, "open", OPEN, 0, 0, -1},
	{SYS_read, "read", READ, 0, -1, 0},
	{SYS_pread64, "pread", READ, 0, -1, 0},
	{SYS_getdents64, "getdents", READ, 0, -1, 0},
	{SYS_write, "write", WRITE, 0, -1, 0},
	{SYS_writev, "writev", WRITE, 0, -1, 0},
	{SYS_pwrite64, "pwrite", WRITE, 0, -1, 0},
	{SYS_pwritev, "pwritev", WRITE, 0, -1, 0},
	{SYS_fsync, "fsync", SYNC, 0, -1, 0},
	{SYS_fdatasync, "fdatasync", SYNC, 0, -1, 0},
	{SYS_syncfs, "syncfs", SYNC, 0, -1, 0},
	{SYS_unlinkat, "unlinkat", REMOVE, 1, 0, 0},
	{SYS_renameat, "renameat", RENAME, 1, 0, 0},
	{SYS_renameat2, "renameat2", RENAME, 1, 0, 0},
	{SYS_mmap, "mmap", MEMORY, 1, 0, -1},
	{SYS_mremap, "mremap", MEMORY, 2, 0, -1},
	{SYS_accept4, "accept4", ACCEPT, 0, -1, -1},
	{SYS_socket, "socket", SOCKET, 1, 0x7fff, -1},
	{SYS_ftruncate, "ftruncate", TRUNCATE, 0, -1, 0},
};

#define COUNT(array)  (sizeof(array) / sizeof *(array))
#define TRACEES_MOST  512
#define REALTIME      0
#define REALTIME_FAST 5

struct tracee {
	pid_t              pid;      /* 0: a free place */
	const struct call *failing;  /* the call under way, if it is to fail */
	unsigned long long argument; /* what was spoiled in it */
};

static struct tracee  tracees[TRACEES_MOST];
static struct orders *orders;

static void
fail(const char *what)
{
	fprintf(stderr, "faults: %s: %s\n", what, strerror(errno));
	exit(111);
}

static struct tracee *
tracee_of(pid_t pid)
{
	struct tracee *free_place = NULL;
	for (size_t i = 0; i < TRACEES_MOST; i++) {
		if (tracees[i].pid == pid)
			return &tracees[i];
		if (tracees[i].pid == 0 && free_place == NULL)
			free_place = &tracees[i];
	}
	if (free_place == NULL)
		fail("too many processes");
	*free_place = (struct tracee){.pid = pid};
	return free_place;
}

static unsigned long long *
argument_of(struct user_regs_struct *r, int number)
{
	unsigned long long *arguments[] = {&r->rdi, &r->rsi, &r->rdx, &r->r10, &r->r8, &r->r9};
	return arguments[number];
}

/* --- calls that fail ------------------------------------------------------------- */

/* What the descriptor is open on. */
static void
path_of(pid_t pid, int fd, char path[PATH_MAX])
{
	char link[64];
	snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, fd);
	ssize_t n = readlink(link, path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = '\0';
}

static bool
is_meant(pid_t pid, const struct call *c, struct user_regs_struct *r, char path[PATH_MAX])
{
	path[0] = '\0';
	if ((c->kind & orders->kinds) == 0 || (c->number == SYS_mmap && (int)r->r8 >= 0))
		return false;
	if (c->descriptor >= 0)
		path_of(pid, (int)*argument_of(r, c->descriptor), path);
	size_t len = strlen(orders->under);
	return len == 0 || (strncmp(path, orders->under, len) == 0 && (path[len] == '/' || path[len] == '\0'));
}

static void
on_entry(struct tracee *t, struct user_regs_struct *r)
{
	char path[PATH_MAX];
	t->failing = NULL;
	if (orders->kinds == 0)
		return;
	for (size_t i = 0; i < COUNT(calls); i++) {
		const struct call *c = &calls[i];
		if (c->number != (long)r->orig_rax || !is_meant(t->pid, c, r, path))
			continue;
		uint32_t number = ++orders->seen;
		if (number < orders->after || number - orders->after >= orders->times)
			return;
		t->failing = c;
		t->argument = *argument_of(r, c->spoiled);
		*argument_of(r, c->spoiled) = (unsigned long long)c->with;
		if (ptrace(PTRACE_SETREGS, t->pid, NULL, r) < 0)
			return;
		snprintf(orders->last, sizeof orders->last, "%s %.200s", c->name, path);
		orders->failed++;
		return;
	}
}

/* --- the clock ------------------------------------------------------------------------ */

static void
shift_time(pid_t pid, unsigned long long where)
{
	int64_t seconds;
	struct iovec here = {&seconds, sizeof seconds}, there = {(void *)where, sizeof seconds};
	if (where == 0 || process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)sizeof seconds)
		return;
	seconds += orders->shift;
	process_vm_writev(pid, &here, 1, &there, 1, 0);
}

static void
on_exit_of_call(struct tracee *t, struct user_regs_struct *r)
{
	if (t->failing != NULL) {
		*argument_of(r, t->failing->spoiled) = t->argument;
		r->rax = (unsigned long long)-(long long)orders->error;
		t->failing = NULL;
		ptrace(PTRACE_SETREGS, t->pid, NULL, r);
		return;
	}
	if (orders->shift == 0 || r->rax != 0)
		return;
	if (r->orig_rax == SYS_clock_gettime && (r->rdi == REALTIME || r->rdi == REALTIME_FAST))
		shift_time(t->pid, r->rsi);
	else if (r->orig_rax == SYS_gettimeofday)
		shift_time(t->pid, r->rdi);
}

static long
peek(pid_t pid, unsigned long long where)
{
	errno = 0;
	return ptrace(PTRACE_PEEKDATA, pid, (void *)where, NULL);
}

/* The stack of a program that begins: argc, arguments, NULL, environment, NULL, pairs of type and value. */
static void
hide_vdso(pid_t pid)
{
	struct user_regs_struct r;
	if (ptrace(PTRACE_GETREGS, pid, NULL, &r) < 0)
		return;
	unsigned long long at = r.rsp + 8 * ((unsigned long long)peek(pid, r.rsp) + 2);
	while (peek(pid, at) != 0 && errno == 0)
		at += 8;
	for (at += 8; errno == 0; at += 16) {
		long type = peek(pid, at);
		if (type == AT_NULL)
			return;
		if (type == AT_SYSINFO_EHDR)
			ptrace(PTRACE_POKEDATA, pid, (void *)at, (void *)(long)AT_IGNORE);
	}
}

/* --- following ------------------------------------------------------------------------- */

static void
on_call(pid_t pid)
{
	struct __ptrace_syscall_info info;
	struct user_regs_struct r;
	struct tracee *t = tracee_of(pid);
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0 || ptrace(PTRACE_GETREGS, pid, NULL, &r) < 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		on_entry(t, &r);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		on_exit_of_call(t, &r);
}

static void
on_stop(pid_t pid, int status)
{
	int signal_number = WSTOPSIG(status), event = status >> 16, deliver = 0;
	if (signal_number == (SIGTRAP | 0x80))
		on_call(pid);
	else if (event == PTRACE_EVENT_EXEC)
		hide_vdso(pid);
	else if (event == PTRACE_EVENT_STOP && signal_number != SIGTRAP) {
		ptrace(PTRACE_LISTEN, pid, NULL, NULL); /* stopped by a signal, as it should be */
		return;
	} else if (event == 0)
		deliver = signal_number;
	ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)deliver);
}

static int
follow(pid_t first)
{
	int status, end = 111;
	pid_t pid;
	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid <= 0)
			continue;
		if (WIFSTOPPED(status)) {
			on_stop(pid, status);
			continue;
		}
		tracee_of(pid)->pid = 0;
		if (pid == first)
			end = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return end;
}

static struct orders *
open_orders(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *mapped = fd >= 0 ? mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
	if (mapped == MAP_FAILED)
		fail(path);
	close(fd);
	return mapped;
}

int
main(int argc, char **argv)
{
	static const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
	    PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int gate[2], status;
	char word;
	if (argc < 3)
		return 100;
	orders = open_orders(argv[1]);
	if (pipe2(gate, O_CLOEXEC) < 0)
		fail("pipe");
	pid_t pid = fork();
	if (pid == 0) {
		close(gate[1]);
		if (read(gate[0], &word, 1) == 1)
			execv(argv[2], argv + 2);
		_exit(111);
	}
	close(gate[0]);
	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 ||
	    waitpid(pid, &status, __WALL) < 0 || write(gate[1], "", 1) != 1)
		fail("starting the program");
	on_stop(pid, status);
	return follow(pid);
}
