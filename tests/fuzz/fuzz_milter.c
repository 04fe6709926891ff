/*
 * All that a milter sends during a session: options, verdicts, changes. What it
 * makes of a header must still be a header, and what the client would be told a
 * line of SMTP. The first byte says which steps are taken.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/filter/changes.h"
#include "lib/filter/endpoint.h"
#include "lib/filter/fields.h"
#include "lib/filter/milter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct milter m;
static struct fields fields = {.text = {.limit = FIELDS_BYTES}, .list = {.limit = FIELDS_MOST * sizeof(struct field)}};
static struct str    kept = {.limit = 65536};

static struct slice
macro(void *context, struct slice name)
{
	(void)context;
	return slice_first(name, name.len / 2);
}

static void
check_answer(const struct filter_answer *a)
{
	if (a->code < 400 || a->code > 599 || a->status[0] != (char)('0' + a->code / 100))
		abort();
	for (const char *c = a->text; *c != '\0'; c++)
		if ((*c < ' ' || *c > '~') && *c != '\n')
			abort();
}

static bool
take(void *context, char kind, struct slice data)
{
	struct change c;
	(void)context;
	return change_parse(&c, kind, data) && (c.kind == CHANGE_BODY || change_keep(&kept, kind, data));
}

static bool
apply(const struct change *c, bool leads)
{
	if (c->kind == CHANGE_ADD_FIELD)
		return fields_add(&fields, c->name, c->value, leads);
	if (c->kind == CHANGE_INSERT_FIELD)
		return fields_insert(&fields, c->index, c->name, c->value, leads);
	if (c->kind == CHANGE_FIELD)
		return fields_change(&fields, c->index, c->name, c->value, leads);
	return true;
}

/* Each field ends in CRLF, and no line of it is empty or ends otherwise. */
static void
check_field(struct slice text)
{
	if (text.len < 3 || !slice_ends(text, "\r\n"))
		abort();
	for (size_t i = 0; i < text.len; i++) {
		bool cr = text.data[i] == '\r', lf = text.data[i] == '\n';
		if ((cr && text.data[i + 1] != '\n') || (lf && (i == 0 || text.data[i - 1] != '\r')))
			abort();
		if (lf && i + 1 < text.len && text.data[i + 1] != ' ' && text.data[i + 1] != '\t')
			abort();
	}
}

static void
check_changes(void)
{
	struct slice rest = str_slice(&kept);
	struct change c;
	if (!fields_read(&fields, slice_of("From: a@b\r\nSubject: x\r\n\ty\r\nX-A: 1\r\nX-A: 2\r\n")))
		abort();
	while (change_next(&rest, &c))
		if (!apply(&c, milter_leads(&m)))
			return;
	if (fields.top > fields_count(&fields))
		abort();
	for (size_t n = 0; n < fields_count(&fields); n++)
		check_field(fields_text(&fields, n));
}

static enum milter_word
run(uint8_t steps)
{
	enum milter_word word = MILTER_CONTINUE;
	if (steps & 1)
		word = milter_connect(&m, slice_of("client.test"), slice_of("192.0.2.1"), 25);
	if (word == MILTER_CONTINUE && (steps & 2))
		word = milter_helo(&m, slice_of("client.test"));
	if (word == MILTER_CONTINUE && (steps & 4))
		word = milter_mail(&m, slice_of("<a@b>"), slice_of("SIZE=1 BODY=8BITMIME"));
	if (word == MILTER_CONTINUE && (steps & 8))
		word = milter_rcpt(&m, slice_of("<c@d>"), slice_of(""));
	if (word == MILTER_CONTINUE && (steps & 16))
		word = milter_data(&m);
	if (word == MILTER_CONTINUE && (steps & 32))
		word = milter_field(&m, slice_of("Subject"), slice_of(" x\r\n\ty"));
	if (word == MILTER_CONTINUE && (steps & 64))
		word = milter_body(&m, slice_of("hello\r\n"));
	return word == MILTER_CONTINUE || word == MILTER_SKIP ? milter_end(&m, take, NULL) : word;
}

/* The bytes as a socket that then ends; -1 when they do not fit into it. */
static int
as_socket(const uint8_t *data, size_t size, int *other)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return -1;
	*other = fds[0];
	if (send(fds[0], data, size, MSG_DONTWAIT) == (ssize_t)size && shutdown(fds[0], SHUT_WR) == 0)
		return fds[1];
	close(fds[0]);
	close(fds[1]);
	return -1;
}

static void
session(int fd, uint8_t steps)
{
	struct str macros[MILTER_STEPS], packet = m.packet;
	memcpy(macros, m.macros, sizeof macros);
	memset(&m, 0, sizeof m);
	memcpy(m.macros, macros, sizeof macros);
	m.packet = packet;
	m.command_ms = m.content_ms = 50;
	m.macro = macro;
	str_clear(&kept);
	if (!milter_begin(&m, fd))
		return;
	enum milter_word word = run(steps);
	if (word == MILTER_REFUSED || word == MILTER_CLOSE)
		check_answer(&m.answer);
	if ((word == MILTER_BROKEN) != (m.trouble != NULL))
		abort();
	check_changes();
	milter_abort(&m);
	milter_next_client(&m);
	milter_quit(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice list = slice_make((const char *)data, size);
	struct endpoint e;
	while (endpoint_next(&list, &e) == ENDPOINT_OK)
		;
	int other;
	if (size == 0)
		return 0;
	int fd = as_socket(data + 1, size - 1, &other);
	if (fd < 0)
		return 0;
	session(fd, data[0]);
	close(fd);
	close(other);
	return 0;
}
