/*
 * What every program of the suite has in common: its contract as data, the
 * common options, and the two exit codes.
 *
 * The order of start is the same everywhere, visible in each main():
 * arguments, settings, sockets, user, limits, Landlock, seccomp, loop.
 */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/settings.h"

#define EXIT_DONE      0
#define EXIT_MISUSE    100 /* wrong arguments or settings; trying again will not help */
#define EXIT_TEMPORARY 111 /* trouble that may heal; the supervisor tries again */

/* System-call groups that a confined program keeps; lib/sandbox turns them into a filter. */
enum call_group {
	CALLS_BASIC = 1 << 0,     /* memory, time, signals, read, write, poll, exit */
	CALLS_MESSAGES = 1 << 1,  /* sendmsg and recvmsg on open sockets, their options, shutdown */
	CALLS_EVENTS = 1 << 2,    /* epoll, accept, eventfd, timerfd, signalfd */
	CALLS_CONNECT = 1 << 3,   /* new Unix sockets: socket, socketpair, connect */
	CALLS_INTERNET = 1 << 4,  /* new Internet sockets */
	CALLS_READ_FILES = 1 << 5, /* open for reading, stat, directories */
	CALLS_WRITE_FILES = 1 << 6, /* create, write at, rename, link, unlink, sync */
	CALLS_FORK = 1 << 7,      /* new processes, and waiting for them */
	CALLS_EXEC = 1 << 8,
	CALLS_DUP = 1 << 9,       /* dup2: put another descriptor in place */
	CALLS_WATCH = 1 << 10,    /* inotify */
	CALLS_THREADS = 1 << 11,  /* clone of threads, for libraries that make some */
};

struct contract {
	unsigned    calls;        /* enum call_group, after confinement */
	size_t      memory;       /* bytes of address space (RLIMIT_AS), 0: no limit */
	size_t      descriptors;  /* RLIMIT_NOFILE, 0: unchanged */
	size_t      processes;    /* not a limit here: how many it runs, 0 one per connection */
	const char *reaches;      /* files and directories that it may still open, for people; "nothing" */
	const char *sockets;      /* for people: "listens: authd/lookup; connects: tlsd/tls" */
	const char *compromise;   /* what a full compromise of it yields, one line */
};

struct program {
	const char            *name;  /* "postern-smtpd" */
	const char            *user;  /* the user that it runs as */
	const char            *usage; /* arguments, one line */
	const char            *help;  /* what it does and its options, several lines */
	const struct setting  *settings;
	size_t                 setting_count;
	const struct contract *contract;
};

/*
 * Opens the log, makes SIGPIPE harmless, opens /dev/null on any of the
 * descriptors 0 to 2 that is closed, and answers --help, --version,
 * --settings and --contract, each of which ends the program. Returns the
 * index of the first argument that is left.
 */
int program_begin(const struct program *p, int argc, char **argv);

/* Loads the settings or ends with EXIT_MISUSE. */
void program_settings(const struct program *p);

/* Prints "name: usage" and ends with EXIT_MISUSE. */
_Noreturn void program_usage(const struct program *p);

#endif
