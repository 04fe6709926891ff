/*
 * Not a test: one database worker for the tests in Python (harness/database.py).
 * Arguments: TIMEOUT, then MAP=FILE...; MAP is a number of enum map. Each line of standard input
 * is a packet to the worker, tabs between its fields; the answer's fields come
 * back as a line, with \x1e, \x1f and tabs in them as they are but for "\t", which is a blank.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/database.h"
#include "lib/base/log.h"

static struct database database;
static struct packet job;
static char line[PACKET_MOST];

static bool
answered(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)context, (void)w;
	fputs(answer != NULL ? packet_verb(answer) : "died", stdout);
	for (const char *field; answer != NULL && (field = packet_field(answer)) != NULL;) {
		putchar('\t');
		for (; *field != '\0'; field++)
			putchar(*field == '\t' || *field == '\n' ? ' ' : *field);
	}
	putchar('\n');
	fflush(stdout);
	return true;
}

static void
submit(struct slice text)
{
	struct slice field;
	packet_begin(&job, "");
	job.len = 0;
	while (slice_split(&text, '\t', &field))
		packet_add(&job, field);
	/* An empty last field is one too. */
	if (text.data != NULL && text.len == 0 && text.data[-1] == '\t')
		packet_add_text(&job, "");
	if (!pool_submit(&database.pool, &job, answered, NULL))
		abort();
}

static void
read_lines(struct watch *w, uint32_t events)
{
	(void)w, (void)events;
	static size_t have;
	ssize_t got = read(STDIN_FILENO, line + have, sizeof line - have);
	if (got <= 0) {
		loop_stop();
		return;
	}
	have += (size_t)got;
	for (char *end; (end = memchr(line, '\n', have)) != NULL;) {
		size_t len = (size_t)(end - line) + 1;
		submit(slice_make(line, len - 1));
		memmove(line, line + len, have - len);
		have -= len;
	}
}

int
main(int argc, char **argv)
{
	log_open("database-worker");
	database.timeout = argc > 1 ? strtoul(argv[1], NULL, 10) : 2;
	for (int i = 2; i < argc; i++) {
		char *equals = strchr(argv[i], '=');
		if (equals == NULL || !query_lists_add(&database.lists, (enum map)strtoul(argv[i], NULL, 10), "test", equals + 1))
			return 100;
	}
	database_prepare(&database.lists);
	struct watch input = {.fd = STDIN_FILENO, .ready = read_lines};
	if (!loop_begin() || !database_start(&database, 1) || !loop_add(&input, EPOLLIN))
		return 111;
	loop_run();
	return 0;
}
