/*
 * postern-queuectl: steers the queue.
 *
 * Who runs it: root. Reads: its settings. Writes: standard output.
 * Sockets: connects to queue/control, which lets only root steer.
 * Exit codes: 0 done; 100 misuse; 111 the queue cannot be reached, or refused.
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
    .usage = "flush [ID]",
    .help = "Steers the queue; root may.\n\n"
            "  flush [ID]  try all messages, or the one of that queue id, now",
    .settings = table,
    .setting_count = sizeof table / sizeof *table,
    .contract = &contract,
};

static int
flush(int fd, const char *id)
{
	uint64_t number, count;
	if (id != NULL && !id_parse(slice_of(id), &number)) {
		fprintf(stderr, "%s: %s is no queue id\n", program.name, id);
		return EXIT_MISUSE;
	}
	if (!control_flush(fd, id, &count)) {
		fprintf(stderr, "%s: the queue refused (only root may) or was lost\n", program.name);
		return EXIT_TEMPORARY;
	}
	printf("%llu messages are tried now.\n", (unsigned long long)count);
	return EXIT_DONE;
}

int
main(int argc, char **argv)
{
	int first = program_begin(&program, argc, argv);
	if (argc <= first || argc > first + 2 || strcmp(argv[first], "flush") != 0)
		program_usage(&program);
	program_settings(&program);
	int fd = control_connect(program.name);
	if (fd < 0)
		return EXIT_TEMPORARY;
	return flush(fd, argc > first + 1 ? argv[first + 1] : NULL);
}
