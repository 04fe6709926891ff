#include "pop3d/session.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/front/sessions.h"

void
session_ok(struct session *s, enum text text)
{
	reply_ok(&s->out, s->carried.language, text);
}

void
session_error(struct session *s, const char *code, enum text text)
{
	reply_error(&s->out, s->carried.language, code, text);
}

static bool
refuse(struct session *s, const char *step, const char *code, enum text text)
{
	if (errno == ENOMEM)
		log_warning("session-memory", log_text("step", step), log_text("hint", session_memory_hint));
	else
		log_warning("session-refused", log_text("step", step), log_errno());
	session_error(s, code, text);
	output_flush(&s->out);
	return false;
}

/* RFC 3206 section 4: whether it heals by itself. */
static const char *
trouble_code(void)
{
	return errno == EACCES || errno == EPERM || errno == ELOOP || errno == ENOTDIR ? "SYS/PERM" : "SYS/TEMP";
}

/* What POP3 has deleted and pop3_keep still holds is not among the messages. */
static bool
number_messages(struct session *s)
{
	int bit = folder_keyword(&s->inbox, slice_of(SESSION_KEPT), false);
	s->kept = bit < 0 ? 0 : 1u << bit;
	s->items = calloc(s->inbox.count + 1, sizeof *s->items);
	if (s->items == NULL)
		return false;
	for (size_t i = 0; i < s->inbox.count; i++)
		if (!(s->inbox.messages[i].keywords & s->kept))
			s->items[s->count++].index = (uint32_t)i;
	return true;
}

/* new/ and cur/ stay as they are: to look at mail by POP3 makes none of it old. */
static bool
read_inbox(struct session *s)
{
	if (!folder_open(&s->inbox, &s->maildir, slice_of("INBOX"), true) || !folder_refresh(&s->inbox))
		return false;
	folder_drop(&s->inbox, NULL, NULL);
	folder_rest(&s->inbox);
	return number_messages(s);
}

bool
session_open(struct session *s)
{
	s->inbox.directory = s->inbox.cur = s->inbox.fresh = s->inbox.tmp = -1;
	s->heard = clock_ms();
	if (!session_login_delay(s))
		return refuse(s, "delay", "LOGIN-DELAY", TEXT_LOGIN_DELAY);
	if (!session_lock(s)) {
		if (errno == ETIMEDOUT)
			return refuse(s, "lock", "IN-USE", TEXT_IN_USE);
		return refuse(s, "lock", trouble_code(), TEXT_CANNOT_LOCK);
	}
	if (!read_inbox(s))
		return refuse(s, "read", trouble_code(), TEXT_CANNOT_READ);
	reply_number(&s->out, s->carried.language, s->count, TEXT_MESSAGES);
	return true;
}

static void
do_line(struct session *s, struct slice line)
{
	if (session_command(s, line))
		return;
	if (++s->mistakes >= SESSION_MISTAKES)
		s->done = true;
}

/* One line, but for a moment of waiting. The whole line must come within SESSION_IDLE, or a byte now and then would hold the lock. */
static void
serve_once(struct session *s)
{
	struct slice line;
	enum input_result r = input_line(&s->in, SESSION_LINE_MOST, &line);
	if (r == INPUT_OK) {
		s->heard = clock_ms();
		do_line(s, line);
	}
	if (r == INPUT_TOO_LONG)
		session_error(s, NULL, TEXT_LINE_TOO_LONG);
	bool silent = clock_ms() - s->heard >= SESSION_IDLE;
	if (silent)
		log_info("idle");
	if ((r != INPUT_OK && r != INPUT_TIMEOUT) || silent || s->out.failed || session_lock_look(s))
		s->done = true;
}

void
session_serve(struct session *s)
{
	/* Most sessions never wait that long. */
	s->in.timeout = s->policy->lock && s->policy->takeover > 0 ? SESSION_LOOK : SESSION_LOCK_TOUCH * 1000;
	while (!s->done)
		serve_once(s);
	output_flush(&s->out);
}

void
session_close(struct session *s)
{
	log_info("logout", log_number("messages", (int64_t)s->count), log_number("sent", (int64_t)s->sent),
	    log_number("removed", (int64_t)s->removed));
	session_uidl_close(s);
	/* The store may have learned something to write down; what else there is is the process's and ends with it. */
	folder_leave(&s->inbox);
	session_unlock(s);
}
