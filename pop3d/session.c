#include "pop3d/session.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

/* Dovecot's name for it, so that its POP3 server and ours keep apart as well. */
#define LOCK_NAME "dovecot-pop3-session.lock"

void
session_ok(struct session *s, const char *text)
{
	output_format(&s->out, "+OK %s\r\n", text);
}

void
session_error(struct session *s, const char *text)
{
	output_format(&s->out, "-ERR %s\r\n", text);
}

static bool
refuse(struct session *s, const char *step, const char *text)
{
	log_warning("session-refused", log_text("step", step), log_errno());
	session_error(s, text);
	output_flush(&s->out);
	return false;
}

/* new/ and cur/ stay as they are: to look at mail by POP3 makes none of it old. */
static bool
read_inbox(struct session *s)
{
	if (!folder_open(&s->inbox, &s->maildir, slice_of("INBOX"), true) || !folder_refresh(&s->inbox))
		return false;
	folder_drop(&s->inbox, NULL, NULL);
	s->deleted = calloc(s->inbox.count + 1, sizeof *s->deleted);
	s->read = calloc(s->inbox.count + 1, sizeof *s->read);
	return s->deleted != NULL && s->read != NULL;
}

bool
session_open(struct session *s)
{
	s->inbox.directory = s->inbox.cur = s->inbox.fresh = s->inbox.tmp = -1;
	if (!dotlock_take(&s->lock, s->maildir.root, LOCK_NAME, SESSION_LOCK_TIME)) {
		bool busy = errno == ETIMEDOUT;
		return refuse(s, "lock",
		    busy ? "[IN-USE] another session has this mailbox" : "[SYS/TEMP] the mailbox cannot be locked");
	}
	s->lock_touched = clock_unix();
	if (!read_inbox(s))
		return refuse(s, "read", "[SYS/TEMP] the mailbox cannot be read");
	output_format(&s->out, "+OK %zu messages\r\n", s->inbox.count);
	return true;
}

/* Dovecot takes a lock for dead that has not changed for some minutes. */
static void
touch_lock(struct session *s)
{
	if (clock_unix() - s->lock_touched < SESSION_LOCK_TOUCH)
		return;
	futimens(s->lock.fd, NULL);
	s->lock_touched = clock_unix();
}

static void
do_line(struct session *s, struct slice line)
{
	line.len -= slice_ends(line, "\r\n") ? 2 : 1;
	size_t space = slice_find(line, ' ');
	if (session_command(s, slice_first(line, space), slice_trim(slice_from(line, space + 1))))
		return;
	session_error(s, "unknown command");
	if (++s->mistakes >= SESSION_MISTAKES)
		s->done = true;
}

void
session_serve(struct session *s)
{
	struct slice line;
	while (!s->done) {
		enum input_result r = input_line(&s->in, SESSION_LINE_MOST, &line);
		if (r == INPUT_OK) {
			touch_lock(s);
			do_line(s, line);
		}
		if (r == INPUT_TOO_LONG)
			session_error(s, "the line is too long");
		if (r != INPUT_OK || s->out.failed)
			s->done = true;
	}
	output_flush(&s->out);
}

void
session_close(struct session *s)
{
	log_info("logout", log_number("messages", (int64_t)s->inbox.count), log_number("sent", (int64_t)s->sent),
	    log_number("removed", (int64_t)s->removed));
	dotlock_release(&s->lock);
	folder_close(&s->inbox);
	free(s->deleted);
	free(s->read);
	s->deleted = s->read = NULL;
	maildir_close(&s->maildir);
}
