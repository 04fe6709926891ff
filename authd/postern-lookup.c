/*
 * postern-lookup: asks postern-authd what it knows of an address, through the
 * same socket and packets as the rest of the suite.
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
	.usage = "[--json] rcpt|alias|mailbox|transport ADDRESS | [--json] sender LOGIN ADDRESS",
	.help =
	    "  rcpt       what the address is: mailbox alias relay unknown foreign full\n"
	    "  alias      the targets of an alias, one level\n"
	    "  mailbox    user, maildir, quota in bytes, quota in messages, extension\n"
	    "  transport  where the mail of an address or its domain goes\n"
	    "  sender     whether a login may send as the address\n"
	    "  --json     one JSON object",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

static const struct kind {
	const char *name;
	int         arguments;
	const char *fields[6];
} kinds[] = {
    {"rcpt", 1, {"class"}},
    {"alias", 1, {"target"}},
    {"mailbox", 1, {"user", "maildir", "bytes", "messages", "extension"}},
    {"transport", 1, {"transport"}},
    {"sender", 2, {NULL}},
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

int
main(int argc, char **argv)
{
	static struct packet packet;
	int at = program_begin(&program, argc, argv);
	bool json = at < argc && strcmp(argv[at], "--json") == 0;
	at += json;
	if (at >= argc)
		program_usage(&program);
	const struct kind *kind = find_kind(argv[at++]);
	if (argc - at != kind->arguments)
		program_usage(&program);
	program_settings(&program);
	packet_begin(&packet, kind->name);
	packet_add_text(&packet, "1");
	while (at < argc)
		add_address(&packet, argv[at++]);
	const char *status = tool_ask(tool_connect("authd/lookup"), &packet);
	tool_print(status, kind->fields, &packet, json);
	return tool_exit(status);
}
