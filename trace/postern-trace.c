/*
 * postern-trace: tells the story of a message from the logs.
 *
 * Who runs it: whoever may read the logs. Reads: log files, standard input.
 * Writes: standard output. Sockets: none. When its files are open it
 * confines itself: lines of a log may be anybody's.
 * Exit codes: 0 found; 1 nothing found; 100 misuse; 111 a log cannot be read.
 * A compromise yields what the open logs say.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/program.h"
#include "lib/sandbox/sandbox.h"
#include "trace/follow.h"
#include "trace/source.h"
#include "trace/story.h"

#define EXIT_NOTHING 1
#define LOGS         "/var/log/postern"

static const struct contract contract = {
    .calls = CALLS_BASIC,
    .reaches = "the logs that it was given",
    .sockets = "none",
    .compromise = "what the logs say",
};

static const struct program program = {
    .name = "postern-trace",
    .user = "the caller",
    .usage = "[--json] ID|ADDRESS [FILE...]",
    .help = "Tells the story of a message from the logs: by its queue id, by a session id, or by an address.\n\n"
            "  --json  one JSON object a log line\n"
            "  FILE    a log, a directory of logs, or - for standard input (journalctl -o short-iso | ...);\n"
            "          without it " LOGS,
    .contract = &contract,
};

/* One reading of the logs. */
struct reading {
	struct follow follow;
	struct story  story;
	int64_t       time; /* of the line before, for lines that have none */
	struct stamp_habits habits;
};

static void
take_line(void *context, struct slice line, const struct source *begins)
{
	struct reading *r = context;
	struct entry e;
	if (begins != NULL) {
		r->habits.tai_seconds = begins->tai_seconds;
		r->time = ENTRY_NO_TIME;
	}
	if (!entry_parse(line, &r->habits, &e))
		return;
	if (e.time == ENTRY_NO_TIME)
		e.time = r->time;
	r->time = e.time;
	if (follow_entry(&r->follow, &e))
		story_add(&r->story, line, &e);
}

/* Reads until no line names what was not known before it. */
static bool
read_all(struct reading *r, struct sources *s)
{
	do {
		story_forget(&r->story);
		r->follow.grown = false;
		if (!sources_each(s, take_line, r))
			return false;
	} while (r->follow.grown);
	return true;
}

static bool
open_logs(struct sources *s, int argc, char **argv)
{
	if (argc == 0)
		return sources_add(s, LOGS);
	bool ok = true;
	for (int i = 0; i < argc; i++)
		ok = sources_add(s, argv[i]) && ok;
	return ok;
}

static int
tell(struct reading *r, const char *wanted, bool json)
{
	if (r->story.count == 0) {
		fprintf(stderr, "%s: the logs know nothing of %s\n", program.name, wanted);
		return EXIT_NOTHING;
	}
	story_sort(&r->story);
	if (json)
		story_print_json(&r->story);
	else
		story_print(&r->story);
	if (r->follow.too_many)
		fprintf(stderr, "%s: there are more than %d messages; the others are left out\n", program.name, MESSAGES_MOST);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_TEMPORARY;
}

int
main(int argc, char **argv)
{
	static struct reading reading;
	struct sources sources = {.count = 0};
	int first = program_begin(&program, argc, argv);
	bool json = first < argc && strcmp(argv[first], "--json") == 0;
	first += json;
	if (first >= argc || !follow_begin(&reading.follow, argv[first]))
		program_usage(&program);
	bool whole = open_logs(&sources, argc - first - 1, argv + first + 1);
	tzset(); /* reads the time zone's file */
	if (!sandbox_enter(&contract, NULL, 0))
		return EXIT_TEMPORARY;
	reading.habits.now = clock_unix();
	whole = read_all(&reading, &sources) && whole;
	int result = tell(&reading, argv[first], json);
	return result == EXIT_DONE && !whole ? EXIT_TEMPORARY : result;
}
