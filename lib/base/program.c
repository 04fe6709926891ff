#include "lib/base/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/paths.h"

static const char *const call_names[] = {
	"basic", "messages", "events", "connect", "internet", "read-files",
	"write-files", "fork", "exec", "dup", "watch", "threads",
};

static void
print_help(const struct program *p)
{
	printf("usage: %s %s\n\n%s\n", p->name, p->usage, p->help);
	printf("\nCommon options:\n"
	       "  --help      this text\n"
	       "  --version   the version\n"
	       "  --settings  the settings that it reads: name, kind, default, value, meaning\n"
	       "  --contract  what it runs as and what it may do once confined\n"
	       "\nSettings are files in %s.\n", settings_directory());
}

static void
print_contract(const struct program *p)
{
	const struct contract *c = p->contract;
	printf("program\t%s\nuser\t%s\n", p->name, p->user);
	if (c == NULL)
		return;
	printf("calls\t");
	const char *separator = "";
	for (size_t i = 0; i < sizeof call_names / sizeof *call_names; i++) {
		if (!(c->calls & (1u << i)))
			continue;
		printf("%s%s", separator, call_names[i]);
		separator = " ";
	}
	printf("\nmemory\t%zu\ndescriptors\t%zu\n", c->memory, c->descriptors);
	printf("reaches\t%s\nsockets\t%s\ncompromise\t%s\n", c->reaches, c->sockets, c->compromise);
}

static void
answer_common_option(const struct program *p, const char *option)
{
	if (strcmp(option, "--help") == 0)
		print_help(p);
	else if (strcmp(option, "--version") == 0)
		printf("%s %s\n", p->name, paths_version);
	else if (strcmp(option, "--contract") == 0)
		print_contract(p);
	else if (strcmp(option, "--settings") == 0)
		exit(settings_print(p->settings, p->setting_count) ? EXIT_DONE : EXIT_MISUSE);
	else
		return;
	exit(EXIT_DONE);
}

/*
 * In order: open(2) takes the lowest number that is free. When poll(2) fails
 * (no memory) all are taken for open, as they are but for a careless launcher:
 * a delivery agent may not end with a code that its caller takes for a bounce.
 */
static void
fill_standard(void)
{
	struct pollfd standard[] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};
	if (poll(standard, 3, 0) < 0)
		return;
	for (int fd = 0; fd <= 2; fd++)
		if ((standard[fd].revents & POLLNVAL) && open("/dev/null", O_RDWR) < 0)
			exit(EXIT_TEMPORARY);
}

int
program_begin(const struct program *p, int argc, char **argv)
{
	log_open(p->name);
	signal(SIGPIPE, SIG_IGN);
	fill_standard();
	if (argc > 1)
		answer_common_option(p, argv[1]);
	return 1;
}

void
program_settings(const struct program *p)
{
	if (!settings_load(p->settings, p->setting_count))
		exit(EXIT_MISUSE);
}

void
program_usage(const struct program *p)
{
	fprintf(stderr, "%s: usage: %s %s (see %s --help)\n", p->name, p->name, p->usage, p->name);
	exit(EXIT_MISUSE);
}
