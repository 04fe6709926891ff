#include "authd/tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/program.h"
#include "lib/ipc/socket.h"

#define PATIENCE 60000 /* ms */

int
tool_connect(const char *socket)
{
	int fd = socket_connect(socket, 1000);
	if (fd >= 0)
		return fd;
	fprintf(stderr, "cannot reach %s/%s: %s (is postern-authd running? run this as root)\n", socket_run_directory, socket,
	    strerror(errno));
	exit(EXIT_TEMPORARY);
}

const char *
tool_ask(int fd, struct packet *p)
{
	if (packet_call(fd, p, PATIENCE)) {
		const char *status = packet_verb(p);
		if (packet_field(p) != NULL)
			return status;
	}
	fprintf(stderr, "postern-authd gave no answer (its log says why; it lets root and the suite's users ask)\n");
	exit(EXIT_TEMPORARY);
}

int
tool_exit(const char *status)
{
	return strcmp(status, "ok") == 0 ? EXIT_DONE : strcmp(status, "no") == 0 ? EXIT_NO : EXIT_TEMPORARY;
}

/* --- the story ------------------------------------------------------------------------ */

static struct packet story; /* of the last question; kept for JSON */
static bool          has_story;

bool
tool_may_explain(void)
{
	return geteuid() == 0 || socket_one_identity;
}

/* Table values may hold anything; a terminal must not obey them. */
static void
print_plain(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
		putchar(*c < ' ' || *c == 0x7f ? '?' : *c);
}

static void
print_story(void)
{
	packet_verb(&story);
	packet_field(&story);
	for (const char *line; (line = packet_field(&story)) != NULL;) {
		printf("  ");
		print_plain(line);
		putchar('\n');
	}
}

const char *
tool_ask_story(int fd, struct packet *p, bool json)
{
	const char *status = tool_ask(fd, p);
	if (strcmp(status, "story") != 0)
		return status;
	story = *p;
	has_story = true;
	if (!json)
		print_story();
	if (packet_receive_wait(fd, p, PATIENCE) == PACKET_OK) {
		status = packet_verb(p);
		if (packet_field(p) != NULL)
			return status;
	}
	fprintf(stderr, "postern-authd gave no answer behind its story\n");
	exit(EXIT_TEMPORARY);
}

/* --- the result ----------------------------------------------------------------------- */

static void
print_json_string(const char *text)
{
	putchar('"');
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else if (*c < ' ' || *c == 0x7f)
			printf("\\u%04x", *c);
		else
			putchar(*c);
	}
	putchar('"');
}

static void
print_text(const char *status, const char *const *names, struct packet *p)
{
	bool ok = strcmp(status, "ok") == 0;
	printf("%-9s %s\n", "answer", status);
	for (const char *field; (field = packet_field(p)) != NULL && (!ok || *names != NULL);) {
		printf("%-9s ", ok ? *names : "why");
		print_plain(field);
		putchar('\n');
		if (ok && strcmp(*names, "target") != 0)
			names++;
	}
}

static void
print_json_steps(void)
{
	if (!has_story)
		return;
	printf(",\"steps\":[");
	packet_verb(&story);
	packet_field(&story);
	const char *separator = "";
	for (const char *line; (line = packet_field(&story)) != NULL; separator = ",") {
		printf("%s", separator);
		print_json_string(line);
	}
	putchar(']');
}

static void
print_json(const char *status, const char *const *names, struct packet *p, bool list)
{
	printf("{\"answer\":");
	print_json_string(status);
	bool ok = strcmp(status, "ok") == 0;
	const char *separator = "";
	if (ok && list)
		printf(",\"%ss\":[", *names);
	for (const char *field; (field = packet_field(p)) != NULL && (list || !ok || *names != NULL);) {
		if (!ok || !list)
			printf(",\"%s\":", ok ? *names++ : "why");
		else
			printf("%s", separator);
		print_json_string(field);
		separator = ",";
	}
	if (ok && list)
		putchar(']');
	print_json_steps();
	puts("}");
}

void
tool_print(const char *status, const char *const *names, struct packet *p, bool json)
{
	bool list = names[0] != NULL && strcmp(names[0], "target") == 0;
	if (json)
		print_json(status, names, p, list);
	else
		print_text(status, names, p);
}
