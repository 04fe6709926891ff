/* The commands of the TRANSACTION state, and UPDATE at QUIT. */
#include <string.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "pop3d/session.h"

/* "12": the index of a message that is there and not deleted. */
static bool
find_message(struct session *s, struct slice number, size_t *index)
{
	uint64_t n;
	if (!number_parse(number, SIZE_MAX, &n) || n == 0 || n > s->inbox.count) {
		session_error(s, "no such message");
		return false;
	}
	*index = (size_t)n - 1;
	if (!s->deleted[*index])
		return true;
	session_error(s, "the message is deleted");
	return false;
}

/* A message that vanished meanwhile, or cannot be read, counts nothing: the sum must not fail for it. */
static uint64_t
size_of(struct session *s, size_t index)
{
	uint64_t size;
	return folder_message_size(&s->inbox, &s->inbox.messages[index], &size) ? size : 0;
}

static void
sum(struct session *s, size_t *count, uint64_t *bytes)
{
	*count = 0;
	*bytes = 0;
	for (size_t i = 0; i < s->inbox.count; i++) {
		if (s->deleted[i])
			continue;
		++*count;
		*bytes += size_of(s, i);
	}
}

static void
do_stat(struct session *s, struct slice argument)
{
	size_t count;
	uint64_t bytes;
	(void)argument;
	sum(s, &count, &bytes);
	output_format(&s->out, "+OK %zu %llu\r\n", count, (unsigned long long)bytes);
}

static void
list_size(struct session *s, const char *before, size_t index)
{
	output_format(&s->out, "%s%zu %llu\r\n", before, index + 1, (unsigned long long)size_of(s, index));
}

/* Dovecot's default, so that clients of a server that moves here fetch nothing twice: UID and UIDVALIDITY in hex. */
static void
list_uidl(struct session *s, const char *before, size_t index)
{
	output_format(&s->out, "%s%zu %08x%08x\r\n", before, index + 1, (unsigned)s->inbox.messages[index].uid,
	    (unsigned)s->inbox.uidvalidity);
}

/* LIST and UIDL: of one message, or of all. */
static void
list(struct session *s, struct slice argument, void (*one)(struct session *s, const char *before, size_t index))
{
	size_t index;
	if (argument.len > 0) {
		if (find_message(s, argument, &index))
			one(s, "+OK ", index);
		return;
	}
	session_ok(s, "the list follows");
	for (index = 0; index < s->inbox.count && !s->out.failed; index++)
		if (!s->deleted[index])
			one(s, "", index);
	output_text(&s->out, ".\r\n");
}

static void
do_list(struct session *s, struct slice argument)
{
	list(s, argument, list_size);
}

static void
do_uidl(struct session *s, struct slice argument)
{
	list(s, argument, list_uidl);
}

static void
send_message(struct session *s, size_t index, size_t lines)
{
	int fd = folder_open_message(&s->inbox, &s->inbox.messages[index]);
	if (fd < 0) {
		log_warning("message-unreadable", log_text("file", s->inbox.messages[index].name), log_errno());
		session_error(s, s->inbox.messages[index].vanished ? "the message was removed by another session"
		                                                   : "[SYS/TEMP] the message cannot be read");
		return;
	}
	session_ok(s, "the message follows");
	session_send(s, fd, lines);
	close(fd);
}

static void
do_retr(struct session *s, struct slice argument)
{
	size_t index;
	if (!find_message(s, argument, &index))
		return;
	send_message(s, index, SIZE_MAX);
	s->read[index] = true;
	s->sent++;
}

static void
do_top(struct session *s, struct slice argument)
{
	size_t index, space = slice_find(argument, ' ');
	uint64_t lines;
	if (!number_parse(slice_trim(slice_from(argument, space)), SIZE_MAX - 1, &lines)) {
		session_error(s, "TOP takes a message and a number of lines");
		return;
	}
	if (find_message(s, slice_first(argument, space), &index))
		send_message(s, index, (size_t)lines);
}

static void
do_dele(struct session *s, struct slice argument)
{
	size_t index;
	if (!find_message(s, argument, &index))
		return;
	s->deleted[index] = true;
	session_ok(s, "will be removed at QUIT");
}

static void
do_rset(struct session *s, struct slice argument)
{
	(void)argument;
	memset(s->deleted, 0, s->inbox.count * sizeof *s->deleted);
	session_ok(s, "nothing will be removed");
}

static void
do_noop(struct session *s, struct slice argument)
{
	(void)argument;
	session_ok(s, "");
}

static void
do_capa(struct session *s, struct slice argument)
{
	(void)argument;
	session_ok(s, "what this server can do");
	output_text(&s->out, "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\n"
	                     "IMPLEMENTATION Postern\r\n.\r\n");
}

static bool
remove_message(struct session *s, struct message *m, struct quota_amount *gone)
{
	struct quota_amount size = quota_of_message(&s->inbox, m);
	if (!folder_expunge(&s->inbox, m))
		return false;
	quota_sum(gone, size);
	s->removed++;
	return true;
}

/* True when all that was marked is gone, durable. */
static bool
update(struct session *s)
{
	bool ok = true;
	struct quota_amount gone = {0, 0};
	quota_begin(&s->account.quota);
	for (size_t i = 0; i < s->inbox.count; i++) {
		struct message *m = &s->inbox.messages[i];
		if (s->deleted[i])
			ok = remove_message(s, m, &gone) && ok;
		/* That a message was read is worth no error: it may have vanished, or the disk be full. */
		else if (s->read[i] && !(m->flags & FLAG_SEEN))
			folder_set_flags(&s->inbox, m, FLAGS_ADD, FLAG_SEEN, 0);
	}
	account_done(&s->account, slice_of("INBOX"), gone);
	if (s->removed > 0)
		ok = folder_sync(&s->inbox) && fsync(s->inbox.fresh) == 0 && ok;
	return ok;
}

static void
do_quit(struct session *s, struct slice argument)
{
	(void)argument;
	if (update(s)) {
		session_ok(s, "bye");
	} else {
		log_error("update-failed", log_errno());
		session_error(s, "[SYS/TEMP] some deleted messages were not removed");
	}
	s->done = true;
}

bool
session_command(struct session *s, struct slice name, struct slice argument)
{
	static const struct {
		const char *name;
		void (*act)(struct session *s, struct slice argument);
	} commands[] = {
		{"STAT", do_stat}, {"LIST", do_list}, {"UIDL", do_uidl}, {"RETR", do_retr}, {"DELE", do_dele},
		{"TOP", do_top}, {"NOOP", do_noop}, {"RSET", do_rset}, {"CAPA", do_capa}, {"QUIT", do_quit},
	};
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (!slice_is_nocase(name, commands[i].name))
			continue;
		commands[i].act(s, argument);
		return true;
	}
	return false;
}
