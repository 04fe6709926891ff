/*
 * postern-mailq: shows what waits in the queue.
 *
 * Who runs it: anybody, as far as the setting queue_list of postern-queued lets
 *   him. Reads: its settings. Writes: standard output.
 * Sockets: connects to queue/show and queue/control.
 * Memory: what one packet holds, however many messages there are.
 * Exit codes: 0 done; 100 misuse, or not allowed; 111 the queue cannot be reached.
 * A compromise yields nothing that the caller does not have.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/program.h"
#include "lib/ipc/socket.h"
#include "queue/control_filter.h"
#include "queue/control_print.h"

#define REASON_WIDTH 76

static const struct setting table[] = {SOCKET_SETTINGS};

static const struct contract contract = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_CONNECT | CALLS_READ_FILES,
    .reaches = "what the caller may",
    .sockets = "connects: queue/show queue/control",
    .compromise = "nothing that the caller does not have",
};

static const struct program program = {
    .name = "postern-mailq",
    .user = "the caller",
    .usage = "[--json] " FILTER_USAGE " [ID ...]",
    .help = "Shows the messages in the queue, oldest first.\n\n"
            "An id with * is at work, one with ! is held.\n\n"
            "  --json               one JSON object a line and message\n" FILTER_HELP
            "  ID ...               these messages only",
    .settings = table,
    .setting_count = sizeof table / sizeof *table,
    .contract = &contract,
};

struct list {
	char     id[ID_LETTERS + 1]; /* of the message being shown */
	char     reason[512];        /* the last one that was shown of it */
	uint64_t messages, bytes;
};

static bool
is_new(struct list *l, const struct queue_entry *e)
{
	if (strcmp(l->id, e->id) == 0)
		return false;
	snprintf(l->id, sizeof l->id, "%s", e->id);
	l->reason[0] = '\0';
	l->messages++;
	l->bytes += e->size;
	return true;
}

/* --- text ------------------------------------------------------------------------------------- */

static void
show_message(const struct list *l, const struct queue_entry *e)
{
	if (l->messages == 1)
		puts("--Queue ID---- --Size-- ---Arrival Time---- -Sender/Recipient-------");
	else
		putchar('\n');
	char mark = e->active ? '*' : strcmp(e->state, "held") == 0 ? '!' : ' ';
	printf("%-13s%c %8llu ", e->id, mark, (unsigned long long)e->size);
	print_when(e->arrival);
	fputs("  ", stdout);
	print_clean(e->sender[0] != '\0' ? e->sender : "MAILER-DAEMON");
	putchar('\n');
}

/* Recipients with the same reason stand together beneath it. */
static void
show_reason(struct list *l, const struct queue_entry *e)
{
	if (e->text[0] == '\0' || strcmp(l->reason, e->text) == 0)
		return;
	snprintf(l->reason, sizeof l->reason, "%s", e->text);
	int pad = REASON_WIDTH - (int)strlen(l->reason);
	printf("%*s(", pad > 0 ? pad : 0, "");
	print_clean(l->reason);
	puts(")");
}

static bool
show_text(void *context, const struct queue_entry *e)
{
	struct list *l = context;
	if (strcmp(e->state, "delivered") == 0)
		return true;
	if (is_new(l, e))
		show_message(l, e);
	show_reason(l, e);
	printf("%41s", "");
	print_clean(e->recipient);
	if (e->original[0] != '\0') {
		fputs(" (for ", stdout);
		print_clean(e->original);
		putchar(')');
	}
	if (strcmp(e->state, "failed") == 0)
		fputs(" (failed)", stdout);
	putchar('\n');
	return !ferror(stdout);
}

static void
end_text(const struct list *l)
{
	if (l->messages == 0)
		puts("Mail queue is empty");
	else
		printf("\n-- %llu Kbytes in %llu Request%s.\n", (unsigned long long)(l->bytes + 1023) / 1024,
		    (unsigned long long)l->messages, l->messages == 1 ? "" : "s");
}

/* --- JSON ---------------------------------------------------------------------------------------- */

static bool
show_json(void *context, const struct queue_entry *e)
{
	struct list *l = context;
	if (is_new(l, e)) {
		fputs(l->messages > 1 ? "]}\n{\"queue_name\":" : "{\"queue_name\":", stdout);
		print_json(queue_name(e));
		print_json_text("queue_id", e->id);
		print_json_number("arrival_time", e->arrival);
		print_json_number("message_size", e->size);
		print_json_text("sender", e->sender);
		fputs(",\"recipients\":[", stdout);
	} else {
		putchar(',');
	}
	print_json_recipient(e);
	return !ferror(stdout);
}

/* --- arguments --------------------------------------------------------------------------------------- */

/* What mailq of others is called with, and changes nothing here. */
static bool
is_ignored(const char *word)
{
	return strcmp(word, "-v") == 0 || strncmp(word, "-A", 2) == 0;
}

static bool
read_words(struct filter *f, bool *json, int argc, char **argv, int at)
{
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "--json") == 0 || strcmp(argv[at], "-j") == 0) {
			*json = true;
			continue;
		}
		enum filter_option o = is_ignored(argv[at]) ? FILTER_TAKEN : filter_take(f, program.name, argv, argc, &at);
		if (o == FILTER_UNKNOWN)
			program_usage(&program);
		if (o == FILTER_WRONG)
			return false;
	}
	return at == argc || filter_take_ids(f, program.name, argv + at, (size_t)(argc - at));
}

int
main(int argc, char **argv)
{
	static struct control control;
	struct filter filter = {.ids = NULL};
	struct list list = {.messages = 0};
	bool json = false;
	int first = program_begin(&program, argc, argv);
	if (!read_words(&filter, &json, argc, argv, first))
		return EXIT_MISUSE;
	program_settings(&program);
	enum control_result r = control_open(&control, program.name);
	if (r == CONTROL_OK)
		r = filter_list(&control, &filter, json ? show_json : show_text, &list);
	if (r != CONTROL_OK) {
		if (list.messages > 0)
			fprintf(stderr, "%s: the list is not complete\n", program.name);
		return control_exit_code(r);
	}
	if (!json)
		end_text(&list);
	else if (list.messages > 0)
		puts("]}");
	control_close(&control);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_TEMPORARY;
}
