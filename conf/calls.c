/*
 * make audit: prints the rules for the system calls of some groups (named as
 * --contract does: basic read-files) as lib/sandbox gives them to the kernel:
 * number, error in words or "allowed", and when the rule holds, with tabs
 * between. A tool of the source tree; it is not installed.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/program.h"
#include "lib/sandbox/seccomp.h"

static const struct {
	const char *name;
	unsigned    group;
} groups[] = {
    {"basic", CALLS_BASIC}, {"messages", CALLS_MESSAGES}, {"events", CALLS_EVENTS}, {"connect", CALLS_CONNECT},
    {"internet", CALLS_INTERNET}, {"read-files", CALLS_READ_FILES}, {"write-files", CALLS_WRITE_FILES},
    {"fork", CALLS_FORK}, {"exec", CALLS_EXEC}, {"dup", CALLS_DUP}, {"watch", CALLS_WATCH}, {"threads", CALLS_THREADS},
};

static void
print_rule(int number, const char *condition, int error)
{
	printf("%d\t%s\t%s\n", number, error != 0 ? strerrorname_np(error) : "allowed", condition);
}

static unsigned
group_of(const char *name)
{
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (strcmp(groups[i].name, name) == 0)
			return groups[i].group;
	fprintf(stderr, "calls: there is no group %s\n", name);
	return 0;
}

int
main(int argc, char **argv)
{
	unsigned all = 0;
	for (int i = 1; i < argc; i++)
		all |= group_of(argv[i]);
	seccomp_each(all, print_rule);
	return all != 0 ? EXIT_DONE : EXIT_MISUSE;
}
