/*
 * postern-lookup: asks postern-authd what it knows of an address, through the
 * same socket and packets as the rest of the suite, and shows each step: which
 * table, which query with which values, what came back and how fast.
 *
 * Run by the administrator (root, or a user that authd's lookup socket serves).
 * Reads its settings; connects to authd/lookup; prints the answer. It holds no
 * secret and is not confined: it parses authd's answer only.
 * Exit: 0 found, 1 not found, 100 misuse, 111 authd cannot say now.
 */
#include <stdio.h>
#include <string.h>

#include "authd/tool.h"
#include "lib/base/program.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "lib/ipc/socket.h"
#include "lib/mail/address.h"

static const struct setting settings[] = {SOCKET_SETTINGS};

static const struct contract contract = {
	.reaches = "its settings",
	.sockets = "connects: authd/lookup",
	.compromise = "what its caller may do; it reads no foreign input but authd's answers",
};

static const struct program program = {
	.name = "postern-lookup",
	.user = "the caller",
	.usage = "[--json | --short] rcpt|alias|mailbox|forward|sender_bcc|recipient_bcc ADDRESS | [--json | --short] transport ADDRESS [SENDER] | [--json | --short] sender LOGIN ADDRESS | [--json | --short] relay_login HOST SENDER | --flush | --counters",
	.help =
	    "  rcpt       what the address is: mailbox alias relay unknown foreign full\n"
	    "  alias      the targets of an alias, one level\n"
	    "  mailbox    user, maildir, quota in bytes, quota in messages, extension\n"
	    "  transport  where the mail of an address or its domain goes (from this sender)\n"
	    "  sender     whether a login may send as the address\n"
	    "  forward    under which sender mail of the address is forwarded to other hosts\n"
	    "  sender_bcc recipient_bcc\n"
	    "             who gets a copy of what the address sends, of what it is sent\n"
	    "  relay_login\n"
	    "             the name for a relay host and this sender; never its password\n"
	    "  --json     one JSON object\n"
	    "  --short    the answer without its steps\n"
	    "  --flush    forget what SQL answered (root)\n"
	    "  --counters what the cache holds and did (root)",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

static const struct kind {
	const char *name;
	int         arguments, optional; /* how many must be, how many more may be */
	bool        turned; /* explained, the second comes first */
	const char *fields[6];
} kinds[] = {
    {"rcpt", 1, 0, false, {"class", "limit"}},
    {"alias", 1, 0, false, {"target", NULL}},
    {"mailbox", 1, 0, false, {"user", "maildir", "bytes", "messages", "extension"}},
    {"transport", 1, 1, false, {"transport"}},
    {"sender", 2, 0, true, {NULL}},
    {"forward", 1, 0, false, {"sender"}},
    {"sender_bcc", 1, 0, false, {"target", NULL}},
    {"recipient_bcc", 1, 0, false, {"target", NULL}},
    {"relay_login", 2, 0, true, {"user", NULL}},
};

static const struct kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	program_usage(&program);
}

/* The socket takes addresses with their domain in lower case. */
static void
add_address(struct packet *p, const char *text)
{
	struct slice local, domain;
	struct str address = STR_MOST(4096);
	address_split(slice_of(text), &local, &domain);
	str_append_slice(&address, slice_first(slice_of(text), slice_of(text).len - domain.len));
	address_append_lower(&address, domain);
	packet_add(p, str_slice(&address));
	str_free(&address);
}

/* The explained question has the address first, and a transport with a sender a name of its own. */
static void
put_question(struct packet *p, const struct kind *kind, char **arguments, int count, bool explain)
{
	packet_begin(p, explain ? "explain" : kind->name);
	packet_add_text(p, "1");
	if (explain)
		packet_add_text(p, count > kind->arguments ? "way" : kind->name);
	for (int i = 0; i < count; i++)
		add_address(p, arguments[explain && kind->turned ? 1 - i : i]);
}

static int
ask(const struct kind *kind, char **arguments, int count, bool json, bool brief)
{
	static struct packet packet;
	put_question(&packet, kind, arguments, count, !brief && tool_may_explain());
	const char *status = tool_ask_story(tool_connect("authd/lookup"), &packet, json);
	tool_print(status, kind->fields, &packet, json);
	return tool_exit(status);
}

static int
flush(void)
{
	static const char *const none[] = {NULL};
	static struct packet packet;
	packet_begin(&packet, "flush");
	packet_add_text(&packet, "1");
	const char *status = tool_ask(tool_connect("authd/lookup"), &packet);
	tool_print(status, none, &packet, false);
	return tool_exit(status);
}

static int
show_counters(void)
{
	static struct packet packet;
	packet_begin(&packet, "counters");
	packet_add_text(&packet, "1");
	const char *status = tool_ask(tool_connect("authd/lookup"), &packet);
	for (const char *name, *number; (name = packet_field(&packet)) != NULL && (number = packet_field(&packet)) != NULL;)
		printf("%-14s %s\n", name, number);
	return tool_exit(status);
}

int
main(int argc, char **argv)
{
	bool json = false, brief = false;
	int at = program_begin(&program, argc, argv);
	program_settings(&program);
	for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
		if (strcmp(argv[at], "--flush") == 0 && at + 1 == argc)
			return flush();
		if (strcmp(argv[at], "--counters") == 0 && at + 1 == argc)
			return show_counters();
		if (strcmp(argv[at], "--json") == 0)
			json = true;
		else if (strcmp(argv[at], "--short") == 0)
			brief = true;
		else
			program_usage(&program);
	}
	if (at >= argc)
		program_usage(&program);
	const struct kind *kind = find_kind(argv[at++]);
	if (argc - at < kind->arguments || argc - at > kind->arguments + kind->optional)
		program_usage(&program);
	return ask(kind, argv + at, argc - at, json, brief);
}
