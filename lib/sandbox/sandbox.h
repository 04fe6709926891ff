/*
 * Confinement: one call that takes what the program may still do and makes
 * the kernel hold it to that. Limits, then Landlock, then seccomp, so that the
 * last step needs nothing that it forbids.
 *
 * - Limits: RLIMIT_AS, RLIMIT_NOFILE, RLIMIT_CORE 0 (from the contract).
 * - Landlock: no path may be opened but those given; no abstract socket or
 *   signal to a process outside; no TCP but with CALLS_INTERNET. A kernel
 *   without it is said once in the log and the program goes on.
 * - seccomp: the call groups of the contract; a call outside them kills the
 *   process (SIGSYS). open(2) for writing kills without CALLS_WRITE_FILES, for
 *   reading it fails without CALLS_READ_FILES; mmap and mprotect with PROT_EXEC
 *   kill always. A few calls that libraries try and do without fail with an
 *   error instead.
 * - no_new_privs, and no core dump or ptrace by others of the same user
 *   (PR_SET_DUMPABLE 0).
 *
 * Builds with SANITIZE=yes skip the memory limit and allow what the sanitizers'
 * run-time needs.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/program.h"

struct sandbox_path {
	const char *path;  /* a directory (all beneath it) or a file; NULL: `fd` is used */
	int         fd;
	bool        write; /* create, change and remove as well as read */
};

/* True, or false with the reason logged: a program must not go on then. */
bool sandbox_enter(const struct contract *c, const struct sandbox_path *paths, size_t count);

/* True when the process has no root privileges, as its launcher should have seen to; logs how and returns false otherwise. */
bool sandbox_not_root(const struct program *p);

#endif
