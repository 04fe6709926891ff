/*
 * postern-queuectl: steers the queue.
 *
 * Who runs it: root. Reads: its settings. Writes: standard output.
 * Sockets: connects to queue/control, which lets only root steer.
 * Exit codes: 0 done; 100 misuse, or no message of that id to do it to; 111 the
 * queue cannot be reached, or refused.
 * A compromise yields nothing that the caller does not have.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/program.h"
#include "lib/ipc/socket.h"
#include "queue/control_client.h"
#include "queue/id.h"

static const struct setting table[] = {SOCKET_SETTINGS};

static const struct contract contract = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_CONNECT | CALLS_READ_FILES,
    .reaches = "what the caller may",
    .sockets = "connects: queue/control",
    .compromise = "nothing that the caller does not have",
};

static const struct program program = {
    .name = "postern-queuectl",
    .user = "the caller",
    .usage = "flush [ID...] | release ID...|all | hold ID...|all | delete ID...",
    .help = "Steers the queue; root may.\n\n"
            "  flush [ID...]      try all messages, or those of these queue ids, now\n"
            "  release ID...|all  let messages that are held go, and try them now\n"
            "  hold ID...|all     keep messages until they are released\n"
            "  delete ID...       remove messages that are not at work; nobody is told",
    .settings = table,
    .setting_count = sizeof table / sizeof *table,
    .contract = &contract,
};

static const struct command {
	const char *verb;
	const char *done; /* behind the number of messages */
	const char *none; /* behind an id that it was not done to */
	bool        all, absent; /* what may stand for the ids */
} commands[] = {
    {"flush", "messages are tried now", "is not waiting for another attempt", false, true},
    {"release", "messages are released", "is not held", true, false},
    {"hold", "messages are held", "is not in the queue, or held already", true, false},
    {"delete", "messages are deleted", "is not in the queue, or at work: hold it first", false, false},
};

/* NULL: the words make no command. */
static const struct command *
find_command(char *const *words, int count)
{
	for (size_t i = 0; count > 0 && i < sizeof commands / sizeof *commands; i++)
		if (strcmp(words[0], commands[i].verb) == 0)
			return count > 1 || commands[i].absent ? &commands[i] : NULL;
	return NULL;
}

/* Ids are checked before anything is done to any. */
static bool
check(const struct command *c, char *const *ids, int count)
{
	uint64_t number;
	if (c->all && count == 1 && strcmp(ids[0], "all") == 0)
		return true;
	for (int i = 0; i < count; i++) {
		if (id_parse(slice_of(ids[i]), &number) && number != 0)
			continue;
		fprintf(stderr, "%s: %s is no queue id\n", program.name, ids[i]);
		return false;
	}
	return true;
}

/* One request an id (or none). The exit code. */
static int
steer(int fd, const struct command *c, char *const *ids, int count)
{
	uint64_t done = 0;
	int code = EXIT_DONE;
	for (int i = 0; i < count || i == 0; i++) {
		uint64_t now = 0;
		const char *id = count > 0 ? ids[i] : NULL;
		if (!control_steer(fd, c->verb, id, &now)) {
			fprintf(stderr, "%s: the queue refused (only root may) or was lost\n", program.name);
			return EXIT_TEMPORARY;
		}
		done += now;
		if (now > 0 || id == NULL || strcmp(id, "all") == 0)
			continue;
		fprintf(stderr, "%s: %s %s\n", program.name, id, c->none);
		code = EXIT_MISUSE;
	}
	printf("%llu %s.\n", (unsigned long long)done, c->done);
	return code;
}

int
main(int argc, char **argv)
{
	int first = program_begin(&program, argc, argv);
	const struct command *c = find_command(argv + first, argc - first);
	if (c == NULL) {
		program_usage(&program);
		return EXIT_MISUSE;
	}
	char **ids = argv + first + 1;
	int count = argc - first - 1;
	if (!check(c, ids, count))
		return EXIT_MISUSE;
	program_settings(&program);
	int fd = control_connect(program.name);
	if (fd < 0)
		return EXIT_TEMPORARY;
	return steer(fd, c, ids, count);
}
