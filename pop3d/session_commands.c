/* The commands of the TRANSACTION state (RFC 1939 section 5), and QUIT. */
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/number.h"
#include "pop3d/capabilities.h"
#include "pop3d/command.h"
#include "pop3d/session.h"

/* The item of a message that is there and not deleted. */
static bool
find_item(struct session *s, uint64_t number, size_t *item)
{
	if (number > s->count) {
		session_error(s, NULL, TEXT_NO_MESSAGE);
		return false;
	}
	*item = (size_t)number - 1;
	if (!(s->items[*item].marks & MARK_DELETED))
		return true;
	session_error(s, NULL, TEXT_DELETED);
	return false;
}

static bool
find_message(struct session *s, struct slice text, size_t *item)
{
	uint64_t number;
	if (command_message(text, &number))
		return find_item(s, number, item);
	session_error(s, NULL, TEXT_NO_MESSAGE);
	return false;
}

static struct message *
message_of(struct session *s, size_t item)
{
	return &s->inbox.messages[s->items[item].index];
}

/* A message that vanished meanwhile, or cannot be read, counts nothing: the sum must not fail for it. */
static uint64_t
size_of(struct session *s, size_t item)
{
	uint64_t size;
	return folder_message_size(&s->inbox, message_of(s, item), &size) ? size : 0;
}

static void
do_stat(struct session *s, struct slice argument)
{
	size_t count = 0;
	uint64_t bytes = 0;
	(void)argument;
	for (size_t i = 0; i < s->count; i++) {
		if (s->items[i].marks & MARK_DELETED)
			continue;
		count++;
		bytes += size_of(s, i);
	}
	output_format(&s->out, "+OK %zu %llu\r\n", count, (unsigned long long)bytes);
}

void
session_row(struct session *s, const char *before, size_t item, struct slice value)
{
	char room[NUMBER_WIDTH_MOST];
	output_text(&s->out, before);
	output_slice(&s->out, number_digits(room, item + 1, 10, 0));
	output_text(&s->out, " ");
	output_slice(&s->out, value);
	output_text(&s->out, "\r\n");
}

static void
list_one(struct session *s, const char *before, size_t item)
{
	char room[NUMBER_WIDTH_MOST];
	session_row(s, before, item, number_digits(room, size_of(s, item), 10, 0));
}

static void
do_list(struct session *s, struct slice argument)
{
	size_t item;
	if (slice_trim(argument).len > 0) {
		if (find_message(s, argument, &item))
			list_one(s, "+OK ", item);
		return;
	}
	session_ok(s, TEXT_LIST);
	for (item = 0; item < s->count && !s->out.failed; item++)
		if (!(s->items[item].marks & MARK_DELETED))
			list_one(s, "", item);
	output_text(&s->out, ".\r\n");
}

static void
do_uidl(struct session *s, struct slice argument)
{
	size_t item = SIZE_MAX;
	if (slice_trim(argument).len == 0 || find_message(s, argument, &item))
		session_uidl(s, item);
}

static bool
send_message(struct session *s, size_t item, size_t lines)
{
	struct message *m = message_of(s, item);
	struct stat st;
	int fd = folder_open_message_stat(&s->inbox, m, &st);
	if (fd < 0) {
		log_warning("message-unreadable", log_text("file", m->name), log_errno());
		if (m->vanished)
			session_error(s, NULL, TEXT_VANISHED);
		else
			session_error(s, "SYS/TEMP", TEXT_UNREADABLE);
		return false;
	}
	session_send(s, fd, (uint64_t)st.st_size, lines);
	close(fd);
	return !s->out.failed;
}

static void
do_retr(struct session *s, struct slice argument)
{
	size_t item;
	if (!find_message(s, argument, &item) || !send_message(s, item, SIZE_MAX))
		return;
	s->items[item].marks |= MARK_READ;
	s->sent++;
}

static void
do_top(struct session *s, struct slice argument)
{
	uint64_t number, lines;
	size_t item;
	if (!command_top(argument, &number, &lines))
		session_error(s, NULL, TEXT_TOP_FORM);
	else if (find_item(s, number, &item))
		send_message(s, item, (size_t)lines);
}

static void
do_dele(struct session *s, struct slice argument)
{
	size_t item;
	if (!find_message(s, argument, &item))
		return;
	s->items[item].marks |= MARK_DELETED;
	session_ok(s, TEXT_WILL_REMOVE);
}

static void
do_rset(struct session *s, struct slice argument)
{
	(void)argument;
	for (size_t i = 0; i < s->count; i++)
		s->items[i].marks &= (uint8_t)~MARK_DELETED;
	session_ok(s, TEXT_NOTHING_REMOVED);
}

static void
do_noop(struct session *s, struct slice argument)
{
	(void)argument;
	session_ok(s, TEXT_DONE);
}

static void
do_capa(struct session *s, struct slice argument)
{
	(void)argument;
	/* What is told in both states is the same in both; STLS is none of it. */
	const struct capabilities c = {.passwords = true, .mechanisms = s->carried.mechanisms,
	    .login_delay = s->policy->login_delay, .expire = s->policy->expire};
	session_ok(s, TEXT_CAPABILITIES);
	capabilities_write(&s->out, &c);
}

static void
do_lang(struct session *s, struct slice argument)
{
	language_command(&s->out, &s->carried.language, slice_trim(argument));
}

static void
do_quit(struct session *s, struct slice argument)
{
	(void)argument;
	if (session_update(s)) {
		session_ok(s, TEXT_BYE);
	} else {
		log_error("update-failed", log_errno());
		session_error(s, "SYS/TEMP", TEXT_NOT_ALL_REMOVED);
	}
	s->done = true;
}

static void
do_earlier(struct session *s, struct slice argument)
{
	(void)argument;
	session_error(s, NULL, TEXT_NOT_AFTER_LOGIN);
}

bool
session_command(struct session *s, struct slice line)
{
	static const struct {
		const char *name;
		enum arguments arguments;
		void (*act)(struct session *s, struct slice argument);
	} commands[] = {
		{"RETR", ARGUMENTS_ANY, do_retr}, {"DELE", ARGUMENTS_ANY, do_dele}, {"TOP", ARGUMENTS_ANY, do_top},
		{"LIST", ARGUMENTS_ANY, do_list}, {"UIDL", ARGUMENTS_ANY, do_uidl}, {"STAT", ARGUMENTS_NONE, do_stat},
		{"NOOP", ARGUMENTS_NONE, do_noop}, {"RSET", ARGUMENTS_NONE, do_rset}, {"CAPA", ARGUMENTS_NONE, do_capa},
		{"LANG", ARGUMENTS_ANY, do_lang}, {"QUIT", ARGUMENTS_NONE, do_quit}, {"USER", ARGUMENTS_ANY, do_earlier},
		{"PASS", ARGUMENTS_ANY, do_earlier}, {"AUTH", ARGUMENTS_ANY, do_earlier}, {"STLS", ARGUMENTS_ANY, do_earlier},
		{"UTF8", ARGUMENTS_ANY, do_earlier}, {"APOP", ARGUMENTS_ANY, do_earlier},
	};
	struct command c = command_of(line);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (!slice_is_nocase(c.name, commands[i].name))
			continue;
		if (commands[i].arguments == ARGUMENTS_NONE && c.has_argument)
			session_error(s, NULL, TEXT_NO_ARGUMENT);
		else
			commands[i].act(s, c.argument);
		return true;
	}
	session_error(s, NULL, TEXT_UNKNOWN_COMMAND);
	return false;
}
