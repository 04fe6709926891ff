/*
 * postern-authtest: tries a login at postern-authd as a front would, redeems
 * the ticket as a session would, and prints what both said and each step to it.
 *
 * Run by the administrator (root). Reads its settings and a password from the
 * terminal or standard input; connects to authd/login and authd/ticket. It is
 * not confined: it parses authd's answers only.
 * Exit: 0 the login is right, 1 it is not, 100 misuse, 111 authd cannot say now.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/password.h"
#include "authd/tool.h"
#include "lib/base/clock.h"
#include "lib/base/program.h"
#include "lib/ipc/socket.h"
#include "lib/sasl/login.h"

#define CLIENT "127.0.0.1"

static const struct setting settings[] = {SOCKET_SETTINGS};

static const struct contract contract = {
	.reaches = "its settings, the terminal",
	.sockets = "connects: authd/login, authd/lookup, authd/ticket",
	.compromise = "what its caller may do; it reads no foreign input but authd's answers",
};

static const struct program program = {
	.name = "postern-authtest",
	.user = "the caller",
	.usage = "[--json] [--stdin] USER [SERVICE]",
	.help =
	    "  SERVICE   imap (if nothing is said), pop3, submission, smtp\n"
	    "  --stdin   the password is the first line of standard input\n"
	    "  --json    one JSON object",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

struct options {
	const char *user, *service;
	bool        json, from_stdin;
};

static struct options
parse(int argc, char **argv, int at)
{
	struct options o = {.service = "imap"};
	for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
		if (strcmp(argv[at], "--json") == 0)
			o.json = true;
		else if (strcmp(argv[at], "--stdin") == 0)
			o.from_stdin = true;
		else
			program_usage(&program);
	}
	if (argc - at < 1 || argc - at > 2)
		program_usage(&program);
	o.user = argv[at];
	if (argc - at == 2)
		o.service = argv[at + 1];
	return o;
}

static enum login_result
log_in(const struct options *o, const struct str *password, struct login_answer *answer)
{
	struct login login = {.socket = tool_connect("authd/login")};
	enum login_result r = login_hello(&login, &(struct login_client){.service = o->service, .address = CLIENT, .encrypted = true});
	if (r != LOGIN_OK) {
		fprintf(stderr, "postern-authd refuses the conversation (see its log)\n");
		exit(EXIT_TEMPORARY);
	}
	login_password(&login, slice_of(o->user), str_slice(password), answer);
	return answer->result;
}

/* Where the row was looked for, and what it looks like. */
static void
show_row(const struct options *o)
{
	static struct packet packet;
	if (!tool_may_explain())
		return;
	packet_begin(&packet, "explain");
	packet_add_text(&packet, "1");
	packet_add_text(&packet, "password");
	packet_add(&packet, slice_of(o->user));
	packet_add_text(&packet, o->service);
	packet_add_text(&packet, CLIENT);
	int fd = tool_connect("authd/lookup");
	tool_ask_story(fd, &packet, o->json);
	close(fd);
}

/* What the verdict is, in the form in which tool_print() prints answers. */
static int
report(const struct options *o, enum login_result r, const struct login_answer *answer)
{
	static const char *const none[] = {NULL};
	static struct packet packet;
	const char *status = r == LOGIN_NO ? "no" : "later";
	packet_begin(&packet, status);
	packet_add(&packet, str_slice(&answer->text));
	packet_verb(&packet);
	tool_print(status, none, &packet, o->json);
	return tool_exit(status);
}

static int
show_home(const struct options *o, const struct login_answer *answer)
{
	static const char *const fields[] = {"user", "maildir", "bytes", "messages", NULL};
	static const char *const user_only[] = {"user", NULL};
	static struct packet packet;
	if (strlen(answer->ticket) < 2) {
		/* Submission has no session behind it, and so no ticket. */
		packet_begin(&packet, "ok");
		packet_add(&packet, str_slice(&answer->text));
		packet_verb(&packet);
		tool_print("ok", user_only, &packet, o->json);
		return EXIT_DONE;
	}
	packet_begin(&packet, "redeem");
	packet_add_text(&packet, "1");
	packet_add_text(&packet, answer->ticket);
	packet_add_text(&packet, o->service);
	const char *status = tool_ask(tool_connect("authd/ticket"), &packet);
	if (strcmp(status, "no") == 0)
		fprintf(stderr, "the password is right, but the user has no mailbox (sql_mailboxes)\n");
	tool_print(status, fields, &packet, o->json);
	return tool_exit(status);
}

int
main(int argc, char **argv)
{
	int at = program_begin(&program, argc, argv);
	struct options o = parse(argc, argv, at);
	struct str password = STR_MOST(PASSWORD_MOST);
	struct login_answer answer;
	program_settings(&program);
	if (!(o.from_stdin || !isatty(STDIN_FILENO) ? password_from_stdin(&password) : password_from_terminal(&password, false))) {
		fprintf(stderr, "postern-authtest: no password\n");
		return EXIT_MISUSE;
	}
	show_row(&o);
	int64_t began = clock_ms();
	enum login_result r = log_in(&o, &password, &answer);
	if (!o.json)
		printf("  the password was judged in %lld ms\n", (long long)(clock_ms() - began));
	explicit_bzero(password.data, password.room);
	int status = r == LOGIN_OK ? show_home(&o, &answer) : report(&o, r, &answer);
	login_answer_free(&answer);
	str_free(&password);
	return status;
}
