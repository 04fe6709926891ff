/*
 * postern-mailq: shows what waits in the queue.
 *
 * Who runs it: anybody. Reads: its settings. Writes: standard output.
 * Sockets: connects to queue/control.
 * Exit codes: 0 done; 100 misuse; 111 the queue cannot be reached.
 * A compromise yields nothing that the caller does not have.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/program.h"
#include "lib/ipc/socket.h"
#include "queue/control_client.h"

static const struct setting table[] = {SOCKET_SETTINGS};

static const struct contract contract = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_CONNECT | CALLS_READ_FILES,
    .reaches = "what the caller may",
    .sockets = "connects: queue/control",
    .compromise = "nothing that the caller does not have",
};

static const struct program program = {
    .name = "postern-mailq",
    .user = "the caller",
    .usage = "[--json]",
    .help = "Shows the messages in the queue, oldest first.\n\n"
            "  --json  one JSON object a line and message",
    .settings = table,
    .setting_count = sizeof table / sizeof *table,
    .contract = &contract,
};

struct list {
	char     id[32];    /* of the message being shown */
	uint64_t messages, bytes;
};

/* Names in the queue are anybody's: no control characters to the terminal. */
static void
print_clean(const char *text)
{
	for (; *text != '\0'; text++)
		putchar((unsigned char)*text >= ' ' && *text != 0x7f ? *text : '?');
}

static void
print_time(uint64_t when)
{
	char text[32] = "-";
	time_t seconds = (time_t)when;
	struct tm tm;
	if (localtime_r(&seconds, &tm) != NULL)
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	fputs(text, stdout);
}

static bool
is_new(struct list *l, const struct queue_entry *e)
{
	if (strcmp(l->id, e->id) == 0)
		return false;
	snprintf(l->id, sizeof l->id, "%s", e->id);
	l->messages++;
	l->bytes += e->size;
	return true;
}

static void
show_text(void *context, const struct queue_entry *e)
{
	struct list *l = context;
	if (is_new(l, e)) {
		printf("%s%-13s %9llu  ", l->messages > 1 ? "\n" : "", e->id, (unsigned long long)e->size);
		print_time(e->arrival);
		fputs("  <", stdout);
		print_clean(e->sender);
		fputs(">\n", stdout);
	}
	printf("    %-9s ", e->state);
	print_clean(e->recipient);
	if (strcmp(e->state, "deferred") == 0 && e->next_try > 0) {
		fputs("  (next ", stdout);
		print_time(e->next_try);
		putchar(')');
	}
	putchar('\n');
	if (e->text[0] != '\0') {
		fputs("              ", stdout);
		print_clean(e->text);
		putchar('\n');
	}
}

static void
json_text(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
show_json(void *context, const struct queue_entry *e)
{
	struct list *l = context;
	if (is_new(l, e)) {
		printf("%s{\"queue_id\":", l->messages > 1 ? "]}\n" : "");
		json_text(e->id);
		printf(",\"message_size\":%llu,\"arrival_time\":%llu,\"sender\":", (unsigned long long)e->size,
		    (unsigned long long)e->arrival);
		json_text(e->sender);
		fputs(",\"recipients\":[", stdout);
	} else {
		putchar(',');
	}
	fputs("{\"address\":", stdout);
	json_text(e->recipient);
	fputs(",\"state\":", stdout);
	json_text(e->state);
	printf(",\"next_try\":%llu,\"reason\":", (unsigned long long)e->next_try);
	json_text(e->text);
	putchar('}');
}

static void
print_end(const struct list *l, bool json)
{
	if (json)
		fputs(l->messages > 0 ? "]}\n" : "", stdout);
	else if (l->messages == 0)
		puts("The queue is empty.");
	else
		printf("\n%llu messages, %llu bytes.\n", (unsigned long long)l->messages, (unsigned long long)l->bytes);
}

int
main(int argc, char **argv)
{
	int first = program_begin(&program, argc, argv);
	bool json = first < argc && strcmp(argv[first], "--json") == 0;
	if (argc > first + (json ? 1 : 0))
		program_usage(&program);
	program_settings(&program);
	int fd = control_connect(program.name);
	if (fd < 0)
		return EXIT_TEMPORARY;
	struct list list = {.messages = 0};
	bool ok = control_list(fd, json ? show_json : show_text, &list);
	print_end(&list, json);
	if (!ok)
		fprintf(stderr, "%s: the queue was lost; the list is not complete\n", program.name);
	return ok && fflush(stdout) == 0 ? EXIT_DONE : EXIT_TEMPORARY;
}
