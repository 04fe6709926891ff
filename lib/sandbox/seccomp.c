/*
 * A table of system calls by group, turned into a BPF program. libseccomp
 * cannot be linked into static musl programs, and a table is easier to read.
 */
#include "lib/sandbox/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/program.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "lib/sandbox/seccomp.c: add the AUDIT_ARCH constant of this architecture"
#endif

#define SET_OWNER_EX 15 /* F_SETOWN_EX, which not every header names */

enum condition {
	ALWAYS,
	NO_EXEC_MAPPING, /* argument 2 without PROT_EXEC */
	READ_ONLY_1,     /* open(2): flags in argument 1 ask for no writing */
	READ_ONLY_2,     /* openat(2): flags in argument 2 */
	UNIX_DOMAIN,     /* argument 0 is AF_UNIX */
	INTERNET_DOMAIN, /* argument 0 is AF_INET or AF_INET6 */
	NETLINK_DOMAIN,  /* argument 0 is AF_NETLINK */
	NO_NAMESPACE,    /* clone(2): no new namespaces */
	NO_PATH,         /* newfstatat(2) on a descriptor: AT_EMPTY_PATH */
	OWN_PROCESS,     /* argument 0 is this process */
	SIGNAL_OWNER,    /* fcntl(2): argument 1 says whom a descriptor's signals go to */
};

struct call {
	int            number;
	unsigned       groups; /* the rule is for programs that keep one of these */
	enum condition condition;
	int            error;  /* 0: the call is allowed; else it fails with this */
};

#define ANY   (~0u)
#define FILES (CALLS_READ_FILES | CALLS_WRITE_FILES)
#define CHILDREN (CALLS_FORK | CALLS_EXEC)

/* Of the rules for one call the first that fits counts. A call without a rule kills. */
static const struct call calls[] = {
	{SYS_read, CALLS_BASIC, ALWAYS, 0},
	{SYS_write, CALLS_BASIC, ALWAYS, 0},
	{SYS_recvmsg, CALLS_MESSAGES, ALWAYS, 0},
	{SYS_sendmsg, CALLS_MESSAGES, ALWAYS, 0},
	{SYS_sendto, CALLS_MESSAGES | CALLS_BASIC, ALWAYS, 0}, /* lib/base/stream writes to sockets with send(2) */
	{SYS_recvfrom, CALLS_MESSAGES, ALWAYS, 0},
	{SYS_ppoll, CALLS_BASIC, ALWAYS, 0},
	{SYS_epoll_pwait, CALLS_EVENTS, ALWAYS, 0},
	{SYS_epoll_ctl, CALLS_EVENTS, ALWAYS, 0},
	{SYS_accept4, CALLS_EVENTS, ALWAYS, 0},
	{SYS_close, CALLS_BASIC, ALWAYS, 0},
	{SYS_writev, CALLS_BASIC, ALWAYS, 0},
	{SYS_readv, CALLS_BASIC, ALWAYS, 0},
	{SYS_fstat, CALLS_BASIC, ALWAYS, 0},
	{SYS_lseek, CALLS_BASIC, ALWAYS, 0},
	{SYS_fcntl, CALLS_BASIC, SIGNAL_OWNER, EPERM}, /* or a descriptor could signal any process of the user */
	{SYS_fcntl, CALLS_BASIC, ALWAYS, 0},
	{SYS_clock_gettime, CALLS_BASIC, ALWAYS, 0},
	{SYS_gettimeofday, CALLS_BASIC, ALWAYS, 0},
	{SYS_clock_nanosleep, CALLS_BASIC, ALWAYS, 0},
	{SYS_nanosleep, CALLS_BASIC, ALWAYS, 0},
	{SYS_getrandom, CALLS_BASIC, ALWAYS, 0},
	{SYS_brk, CALLS_BASIC, ALWAYS, 0},
	{SYS_mmap, CALLS_BASIC, NO_EXEC_MAPPING, 0},
	{SYS_mprotect, CALLS_BASIC, NO_EXEC_MAPPING, 0},
	{SYS_munmap, CALLS_BASIC, ALWAYS, 0},
	{SYS_mremap, CALLS_BASIC, ALWAYS, 0},
	{SYS_madvise, CALLS_BASIC, ALWAYS, 0},
	{SYS_futex, CALLS_BASIC, ALWAYS, 0},
	{SYS_rt_sigaction, CALLS_BASIC, ALWAYS, 0},
	{SYS_rt_sigprocmask, CALLS_BASIC, ALWAYS, 0},
	{SYS_rt_sigreturn, CALLS_BASIC, ALWAYS, 0},
	{SYS_sigaltstack, CALLS_BASIC, ALWAYS, 0},
	{SYS_restart_syscall, CALLS_BASIC, ALWAYS, 0},
	{SYS_exit, CALLS_BASIC, ALWAYS, 0},
	{SYS_exit_group, CALLS_BASIC, ALWAYS, 0},
	{SYS_tgkill, CHILDREN, ALWAYS, 0},
	{SYS_tgkill, CALLS_BASIC, OWN_PROCESS, 0}, /* raise(3), abort(3) */
	{SYS_getpid, CALLS_BASIC, ALWAYS, 0},
	{SYS_getppid, CALLS_BASIC, ALWAYS, 0},
	{SYS_gettid, CALLS_BASIC, ALWAYS, 0},
	{SYS_getuid, CALLS_BASIC, ALWAYS, 0},
	{SYS_geteuid, CALLS_BASIC, ALWAYS, 0},
	{SYS_getgid, CALLS_BASIC, ALWAYS, 0},
	{SYS_getegid, CALLS_BASIC, ALWAYS, 0},
	{SYS_uname, CALLS_BASIC, ALWAYS, 0},
	{SYS_sched_yield, CALLS_BASIC, ALWAYS, 0},
	{SYS_sched_getaffinity, CALLS_BASIC, ALWAYS, 0},
	{SYS_set_robust_list, CALLS_BASIC, ALWAYS, 0},
	{SYS_set_tid_address, CALLS_BASIC, ALWAYS, 0},
	{SYS_newfstatat, CALLS_BASIC, NO_PATH, 0},
#ifdef SYS_rseq
	{SYS_rseq, CALLS_BASIC, ALWAYS, 0},
#endif
	{SYS_getsockopt, CALLS_MESSAGES, ALWAYS, 0},
	{SYS_setsockopt, CALLS_MESSAGES, ALWAYS, 0},
	{SYS_getsockname, CALLS_MESSAGES, ALWAYS, 0},
	{SYS_getpeername, CALLS_MESSAGES, ALWAYS, 0},
	{SYS_shutdown, CALLS_MESSAGES, ALWAYS, 0},
	{SYS_eventfd2, CALLS_EVENTS, ALWAYS, 0},
	{SYS_timerfd_create, CALLS_EVENTS, ALWAYS, 0},
	{SYS_timerfd_settime, CALLS_EVENTS, ALWAYS, 0},
	{SYS_signalfd4, CALLS_EVENTS, ALWAYS, 0},
	{SYS_epoll_create1, CALLS_EVENTS, ALWAYS, 0},
	{SYS_socket, CALLS_CONNECT, UNIX_DOMAIN, 0},
	{SYS_socket, CALLS_INTERNET, INTERNET_DOMAIN, 0},
	{SYS_socketpair, CALLS_CONNECT | CHILDREN, UNIX_DOMAIN, 0},
	{SYS_connect, CALLS_CONNECT | CALLS_INTERNET, ALWAYS, 0},
	{SYS_bind, CALLS_INTERNET, ALWAYS, 0},
	{SYS_sendmmsg, CALLS_INTERNET, ALWAYS, 0}, /* resolvers ask for A and AAAA at once */
	{SYS_openat, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_openat, CALLS_READ_FILES, READ_ONLY_2, 0},
	{SYS_openat2, FILES, ALWAYS, 0}, /* its flags are out of a filter's sight: Landlock holds it */
	{SYS_newfstatat, FILES, ALWAYS, 0},
	{SYS_statx, FILES, ALWAYS, 0},
	{SYS_statfs, FILES, ALWAYS, 0},
	{SYS_fstatfs, FILES, ALWAYS, 0},
	{SYS_pread64, FILES, ALWAYS, 0},
	{SYS_preadv, FILES, ALWAYS, 0},
	{SYS_getdents64, FILES, ALWAYS, 0},
	{SYS_readlinkat, FILES, ALWAYS, 0},
	{SYS_faccessat, FILES, ALWAYS, 0},
	{SYS_faccessat2, FILES, ALWAYS, 0},
	{SYS_getcwd, FILES, ALWAYS, 0},
	{SYS_chdir, FILES, ALWAYS, 0},
	{SYS_fchdir, FILES, ALWAYS, 0},
	{SYS_fadvise64, FILES, ALWAYS, 0},
	{SYS_sendfile, FILES, ALWAYS, 0},
	{SYS_flock, FILES, ALWAYS, 0},
	{SYS_pwrite64, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_pwritev, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_fsync, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_fdatasync, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_syncfs, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_sync_file_range, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_ftruncate, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_fallocate, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_fchmod, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_utimensat, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_renameat, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_renameat2, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_linkat, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_unlinkat, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_mkdirat, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_umask, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_copy_file_range, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_clone, CHILDREN | CALLS_THREADS, NO_NAMESPACE, 0},
	{SYS_wait4, CHILDREN, ALWAYS, 0},
	{SYS_waitid, CHILDREN, ALWAYS, 0},
	{SYS_kill, CHILDREN, ALWAYS, 0},
	{SYS_pipe2, CHILDREN, ALWAYS, 0},
	/* A child confines itself further than its parent: these can only take away. */
	{SYS_prctl, CHILDREN, ALWAYS, 0},
	{SYS_prlimit64, CHILDREN, ALWAYS, 0},
	{SYS_setrlimit, CHILDREN, ALWAYS, 0},
	{SYS_seccomp, CHILDREN, ALWAYS, 0},
	{444, CHILDREN, ALWAYS, 0}, /* landlock_create_ruleset */
	{445, CHILDREN, ALWAYS, 0}, /* landlock_add_rule */
	{446, CHILDREN, ALWAYS, 0}, /* landlock_restrict_self */
	{436, CHILDREN, ALWAYS, 0}, /* close_range */
	{SYS_execve, CALLS_EXEC, ALWAYS, 0},
	{SYS_dup, CALLS_DUP | CHILDREN, ALWAYS, 0},
	{SYS_dup3, CALLS_DUP | CHILDREN, ALWAYS, 0},
	{SYS_inotify_init1, CALLS_WATCH, ALWAYS, 0},
	{SYS_inotify_add_watch, CALLS_WATCH, ALWAYS, 0},
	{SYS_inotify_rm_watch, CALLS_WATCH, ALWAYS, 0},
#ifdef __x86_64__
	/* The older names that musl and glibc use on this architecture. */
	{SYS_poll, CALLS_BASIC, ALWAYS, 0},
	{SYS_epoll_wait, CALLS_EVENTS, ALWAYS, 0},
	{SYS_time, CALLS_BASIC, ALWAYS, 0},
	{SYS_open, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_open, CALLS_READ_FILES, READ_ONLY_1, 0},
	{SYS_stat, FILES, ALWAYS, 0},
	{SYS_lstat, FILES, ALWAYS, 0},
	{SYS_access, FILES, ALWAYS, 0},
	{SYS_readlink, FILES, ALWAYS, 0},
	{SYS_rename, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_link, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_unlink, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_mkdir, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_rmdir, CALLS_WRITE_FILES, ALWAYS, 0},
	{SYS_fork, CHILDREN, ALWAYS, 0},
	{SYS_vfork, CALLS_EXEC, ALWAYS, 0},
	{SYS_pipe, CHILDREN, ALWAYS, 0},
	{SYS_dup2, CALLS_DUP | CHILDREN, ALWAYS, 0},
#endif
#ifdef POSTERN_SANITIZE
	/* What the sanitizers' run-time does by itself. */
	{SYS_mmap, CALLS_BASIC, ALWAYS, 0},
	{SYS_mprotect, CALLS_BASIC, ALWAYS, 0},
	{SYS_openat, CALLS_BASIC, READ_ONLY_2, 0},
	{SYS_readlink, CALLS_BASIC, ALWAYS, 0},
	{SYS_prctl, CALLS_BASIC, ALWAYS, 0},
	{SYS_mincore, CALLS_BASIC, ALWAYS, 0},
	{SYS_sched_getparam, CALLS_BASIC, ALWAYS, 0},
	{SYS_pipe2, CALLS_BASIC, ALWAYS, 0},
	{SYS_prlimit64, CALLS_BASIC, ALWAYS, 0},
#endif
	/* Calls that libraries try and do without: they fail instead of killing. */
	{SYS_ioctl, ANY, ALWAYS, ENOTTY},          /* isatty(3) */
	{435, ANY, ALWAYS, ENOSYS},                /* clone3: glibc falls back to clone, whose flags a filter sees */
	{SYS_openat, ANY, READ_ONLY_2, EACCES},    /* a time zone, a locale */
	{SYS_statx, ANY, ALWAYS, ENOSYS},
	{SYS_newfstatat, ANY, ALWAYS, EACCES},
	{SYS_readlinkat, ANY, ALWAYS, EACCES},
	{SYS_prlimit64, ANY, ALWAYS, EPERM},
	{SYS_socket, CALLS_INTERNET, NETLINK_DOMAIN, EAFNOSUPPORT}, /* glibc's getaddrinfo(3): which families are there */
	{SYS_sysinfo, ANY, ALWAYS, EPERM},
#ifdef __x86_64__
	{SYS_open, ANY, READ_ONLY_1, EACCES},
	{SYS_stat, ANY, ALWAYS, EACCES},
	{SYS_lstat, ANY, ALWAYS, EACCES},
	{SYS_access, ANY, ALWAYS, EACCES},
	{SYS_readlink, ANY, ALWAYS, EACCES},
#endif
};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FILTER_MOST  (COUNT(calls) * 9 + 8)
#define LEAF_MOST    6   /* calls that are compared one after the other at the end of the tree */
#define NUMBER_MOST  512 /* system calls have lower numbers than this on all architectures */

struct filter {
	struct sock_filter code[FILTER_MOST];
	unsigned short     len;
};

static void
add(struct filter *f, uint16_t code, uint8_t if_true, uint8_t if_false, uint32_t k)
{
	f->code[f->len++] = (struct sock_filter){code, if_true, if_false, k};
}

static void
load_argument(struct filter *f, unsigned number)
{
	/* The low half: all flags and domains that are looked at are 32 bits wide. */
	add(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)(offsetof(struct seccomp_data, args) + number * sizeof(uint64_t)));
}

static void
load_number(struct filter *f)
{
	add(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
}

static void
end(struct filter *f, uint32_t verdict)
{
	add(f, BPF_RET | BPF_K, 0, 0, verdict);
}

/* The verdict holds when none of the bits is set in the argument; else the next rule is tried. */
static void
end_without_bits(struct filter *f, unsigned argument, uint32_t bits, uint32_t verdict)
{
	load_argument(f, argument);
	add(f, BPF_JMP | BPF_JSET | BPF_K, 1, 0, bits);
	end(f, verdict);
	load_number(f);
}

/* The verdict holds when the argument is one of two values. */
static void
end_equal(struct filter *f, unsigned argument, uint32_t one, uint32_t other, uint32_t verdict)
{
	load_argument(f, argument);
	add(f, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, one);
	add(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, other);
	end(f, verdict);
	load_number(f);
}

#define NAMESPACES                                                                                       \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)

static void
add_condition(struct filter *f, enum condition condition, uint32_t verdict)
{
	switch (condition) {
	case ALWAYS:
		end(f, verdict);
		return;
	case NO_EXEC_MAPPING:
		end_without_bits(f, 2, PROT_EXEC, verdict);
		return;
	case READ_ONLY_1:
		end_without_bits(f, 1, WRITING, verdict);
		return;
	case READ_ONLY_2:
		end_without_bits(f, 2, WRITING, verdict);
		return;
	case UNIX_DOMAIN:
		end_equal(f, 0, AF_UNIX, AF_UNIX, verdict);
		return;
	case INTERNET_DOMAIN:
		end_equal(f, 0, AF_INET, AF_INET6, verdict);
		return;
	case NETLINK_DOMAIN:
		end_equal(f, 0, AF_NETLINK, AF_NETLINK, verdict);
		return;
	case NO_NAMESPACE:
		end_without_bits(f, 0, NAMESPACES, verdict);
		return;
	case NO_PATH:
		end_equal(f, 3, AT_EMPTY_PATH, AT_EMPTY_PATH, verdict);
		return;
	case OWN_PROCESS:
		end_equal(f, 0, (uint32_t)getpid(), (uint32_t)getpid(), verdict);
		return;
	case SIGNAL_OWNER:
		end_equal(f, 1, F_SETOWN, SET_OWNER_EX, verdict);
		return;
	}
}

/*
 * The system calls that the filter judges, by rising number, and the rules of
 * each in the order of the table. A process that has a filter already (its
 * parent's) needs another one only for what it gives up: all else that comes
 * was judged by the first.
 */
struct index {
	size_t   count;
	uint32_t otherwise; /* the verdict over a call that is not among them */
	int      numbers[COUNT(calls)];
	short    first[NUMBER_MOST]; /* position in calls[] + 1, 0: none */
	short    next[COUNT(calls)];
	bool     judged[NUMBER_MOST];
};

static void
make_index(struct index *x, unsigned groups, unsigned inherited)
{
	x->otherwise = inherited != 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS;
	for (size_t i = COUNT(calls); i > 0; i--) {
		const struct call *c = &calls[i - 1];
		bool kept = (c->groups & groups) != 0, had = (c->groups & inherited) != 0;
		if (kept != had)
			x->judged[c->number] = true;
		if (!kept)
			continue;
		x->next[i - 1] = x->first[c->number];
		x->first[c->number] = (short)i;
	}
	for (int number = 0; number < NUMBER_MOST; number++)
		if (x->judged[number])
			x->numbers[x->count++] = number;
}

static void
add_rules_of(struct filter *f, const struct index *x, int number)
{
	size_t jump = f->len;
	add(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, (uint32_t)number);
	for (int i = x->first[number]; i != 0; i = x->next[i - 1]) {
		const struct call *c = &calls[i - 1];
		add_condition(f, c->condition, c->error == 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | (uint32_t)c->error);
	}
	/* A call that none of its rules fits falls through to the verdict over the others, unless that lets it pass. */
	if (x->otherwise == SECCOMP_RET_ALLOW)
		end(f, SECCOMP_RET_KILL_PROCESS);
	f->code[jump].jf = (uint8_t)(f->len - jump - 1);
}

/*
 * Adds the rules of numbers[from..to) as a tree of comparisons: a call is
 * judged after some 7 of them, where a list takes 60.
 */
static void
add_tree(struct filter *f, const struct index *x, size_t from, size_t to)
{
	if (to - from <= LEAF_MOST) {
		for (size_t i = from; i < to; i++)
			add_rules_of(f, x, x->numbers[i]);
		end(f, x->otherwise);
		return;
	}
	size_t middle = from + (to - from) / 2;
	add(f, BPF_JMP | BPF_JGE | BPF_K, 0, 1, (uint32_t)x->numbers[middle]);
	size_t jump = f->len;
	add(f, BPF_JMP | BPF_JA, 0, 0, 0); /* a conditional jump does not reach far enough */
	add_tree(f, x, from, middle);
	f->code[jump].k = (uint32_t)(f->len - jump - 1);
	add_tree(f, x, middle, to);
}

static void
add_head(struct filter *f)
{
	add(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	add(f, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCHITECTURE);
	end(f, SECCOMP_RET_KILL_PROCESS);
	load_number(f);
	/*
	 * The kernel tries a new filter on each of its 900 calls, to remember
	 * those that are always allowed, unless it meets an arithmetic step. That
	 * takes 60 microseconds, and saves a process that lives for 60 calls one.
	 */
	add(f, BPF_ALU | BPF_RSH | BPF_K, 0, 0, 0);
}

bool
seccomp_enter(unsigned groups, unsigned inherited)
{
	struct filter f; /* most of it stays untouched: each page that a short process touches costs it as much as many calls */
	struct index x = {.count = 0};
	f.len = 0;
	make_index(&x, groups, inherited);
	add_head(&f);
	add_tree(&f, &x, 0, x.count);
	struct sock_fprog program = {.len = f.len, .filter = f.code};
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

void
seccomp_each(unsigned groups, void (*each)(int number, const char *condition, int error))
{
	static const char *const words[] = {
	    [ALWAYS] = "", [NO_EXEC_MAPPING] = "without PROT_EXEC", [READ_ONLY_1] = "for reading", [READ_ONLY_2] = "for reading",
	    [UNIX_DOMAIN] = "AF_UNIX", [INTERNET_DOMAIN] = "AF_INET and AF_INET6", [NETLINK_DOMAIN] = "AF_NETLINK",
	    [NO_NAMESPACE] = "no new namespace", [NO_PATH] = "of a descriptor", [OWN_PROCESS] = "itself",
	    [SIGNAL_OWNER] = "F_SETOWN",
	};
	for (size_t i = 0; i < COUNT(calls); i++)
		if (calls[i].groups & groups)
			each(calls[i].number, words[calls[i].condition], calls[i].error);
}
