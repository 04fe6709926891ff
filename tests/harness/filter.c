/*
 * Takes the seccomp filters of a running process and tries system calls
 * beneath them, each in a child of its own, so that a test sees what the kernel
 * lets that process do without doing it to the process.
 *
 *     filter PID                       every number: lines "NUMBER killed", "NUMBER ok", "NUMBER error ERRNO",
 *                                  or "NUMBER ended SIGNAL" when it died of something else
 *     filter PID NUMBER ARGUMENT...    that call with these arguments (decimal), the others are 0
 *     filter PID i386                  getpid(2) through the 32-bit entry
 *
 * Arguments of the first form are -1 where they are not in `gentle`: a call
 * that is let through fails on them. "ok" is also a call that does not return.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILTERS_MOST 8
#define NUMBERS      512
#define GET_FILTER   0x420c /* PTRACE_SECCOMP_GET_FILTER */

static struct sock_filter code[FILTERS_MOST][BPF_MAXINSNS];
static struct sock_fprog  filters[FILTERS_MOST]; /* the oldest first, as the kernel gives them */
static int                filter_count;

/* Calls whose arguments a filter looks at, with harmless ones that it lets through. */
static const struct {
	int  number;
	long arguments[6];
} gentle[] = {
    {SYS_mmap, {0, 0, PROT_READ, 0, -1, 0}}, {SYS_mprotect, {1, 0, PROT_READ}}, {SYS_open, {-1, 0}}, {SYS_openat, {-1, -1, 0}},
    {SYS_fcntl, {-1, 1}}, {SYS_newfstatat, {-1, -1, -1, 0x1000}}, {SYS_clone, {SIGCHLD, 0}},
    {SYS_socket, {AF_UNIX, -1}}, {SYS_socketpair, {AF_UNIX, -1, -1, -1}},
};

static void
fail(const char *what)
{
	fprintf(stderr, "filter: %s: %s\n", what, strerror(errno));
	exit(111);
}

static void
take_filters(pid_t pid)
{
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0 || waitpid(pid, NULL, __WALL) < 0)
		fail("attaching");
	for (; filter_count < FILTERS_MOST; filter_count++) {
		long len = ptrace(GET_FILTER, pid, (void *)(long)filter_count, code[filter_count]);
		if (len <= 0)
			break;
		filters[filter_count] = (struct sock_fprog){(unsigned short)len, code[filter_count]};
	}
	int saved = errno;
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	errno = saved;
	if (filter_count == 0)
		fail("its filter");
}

static long
old_entry(void)
{
	long result = 20; /* getpid there */
#ifdef __x86_64__
	__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
#endif
	return result;
}

/* In the child: everything that is needed is ready before the filters come. */
static void
try(int report, long number, const long *a)
{
	pid_t own = getpid();
	alarm(1);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(111);
	for (int i = 0; i < filter_count; i++)
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filters[i], 0, 0) < 0)
			_exit(111);
	errno = 0;
	long result = a != NULL ? syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]) : old_entry();
	int error = result < 0 ? errno : 0;
	if (getpid() == own && write(report, &error, sizeof error) < 0)
		_exit(111);
	_exit(0);
}

static void
judge(long number, const long *arguments)
{
	int ends[2], status, error = 0;
	if (pipe(ends) < 0)
		fail("pipe");
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		try(ends[1], number, arguments);
	close(ends[1]);
	bool told = pid > 0 && waitpid(pid, &status, 0) == pid && read(ends[0], &error, sizeof error) == sizeof error;
	close(ends[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 111)
		fail("the filters could not be put in place");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		printf("%ld killed\n", number);
	else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGALRM)
		printf("%ld ended %d\n", number, WTERMSIG(status));
	else if (told && error != 0)
		printf("%ld error %d\n", number, error);
	else
		printf("%ld ok\n", number);
}

static const long *
arguments_of(int number)
{
	static const long wrong[6] = {-1, -1, -1, -1, -1, -1};
	for (size_t i = 0; i < sizeof gentle / sizeof *gentle; i++)
		if (gentle[i].number == number)
			return gentle[i].arguments;
	return wrong;
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		return 100;
	take_filters((pid_t)atol(argv[1]));
	if (argc == 2) {
		for (int number = 0; number < NUMBERS; number++)
			judge(number, arguments_of(number));
	} else if (strcmp(argv[2], "i386") == 0) {
		judge(-1, NULL);
	} else {
		long arguments[6] = {0};
		for (int i = 3; i < argc && i < 9; i++)
			arguments[i - 3] = strtol(argv[i], NULL, 0);
		judge(strtol(argv[2], NULL, 0), arguments);
	}
	return 0;
}
