/* The table of commands after login, and what is done around each of them. */
#include "imapd/session.h"

#include <errno.h>
#include <string.h>

#include "imapd/compress.h"
#include "imapd/condstore.h"
#include "imapd/metadata.h"
#include "imapd/notify.h"
#include "lib/base/log.h"
#include "lib/front/sessions.h"

enum command_flag {
	NEEDS_FOLDER = 1 << 0, /* only with a folder selected */
	HAS_UID = 1 << 1,      /* there is a UID variant */
	KEEPS_NUMBERS = 1 << 2, /* no EXPUNGE may be told while it runs (RFC 3501 section 7.4.1), but in its UID variant */
	LOOKS = 1 << 3,        /* the client wants to know what is new */
	ALONE = 1 << 4,        /* takes no arguments */
	REMOVES = 1 << 6,      /* its own EXPUNGE is told even to whom no other's is (RFC 5465) */
	BRINGS = 1 << 7,       /* what is new may be its own, which NOTIFY does not fetch (RFC 5465 section 5.2) */
	NUMBERS = 1 << 5,      /* its plain form takes or gives message numbers (RFC 9586 section 3) */
};

struct command {
	const char       *name;
	command_function *run;
	unsigned          flags;
};

/* The busiest first. */
static const struct command commands[] = {
	{"FETCH", cmd_fetch, NEEDS_FOLDER | HAS_UID | NUMBERS | KEEPS_NUMBERS},
	{"STORE", cmd_store, NEEDS_FOLDER | HAS_UID | NUMBERS | KEEPS_NUMBERS},
	{"SEARCH", cmd_search, NEEDS_FOLDER | HAS_UID | NUMBERS | KEEPS_NUMBERS},
	{"SORT", cmd_sort, NEEDS_FOLDER | HAS_UID | NUMBERS | KEEPS_NUMBERS},
	{"THREAD", cmd_thread, NEEDS_FOLDER | HAS_UID | NUMBERS | KEEPS_NUMBERS},
	{"NOOP", cmd_noop, LOOKS | ALONE},
	{"IDLE", cmd_idle, LOOKS | ALONE},
	{"SELECT", cmd_select, 0},
	{"STATUS", cmd_status, 0},
	{"LIST", cmd_list, 0},
	{"LSUB", cmd_lsub, 0},
	{"APPEND", cmd_append, LOOKS | BRINGS},
	{"COPY", cmd_copy, NEEDS_FOLDER | HAS_UID | NUMBERS | BRINGS},
	{"MOVE", cmd_move, NEEDS_FOLDER | HAS_UID | NUMBERS | BRINGS | REMOVES},
	{"REPLACE", cmd_replace, NEEDS_FOLDER | HAS_UID | NUMBERS | LOOKS | BRINGS | REMOVES},
	{"EXPUNGE", cmd_expunge, NEEDS_FOLDER | HAS_UID | LOOKS | REMOVES},
	{"CHECK", cmd_check, NEEDS_FOLDER | LOOKS | ALONE},
	{"CLOSE", cmd_close, NEEDS_FOLDER | ALONE},
	{"UNSELECT", cmd_unselect, NEEDS_FOLDER | ALONE},
	{"EXAMINE", cmd_examine, 0},
	{"CREATE", cmd_create, 0},
	{"DELETE", cmd_delete, 0},
	{"RENAME", cmd_rename, 0},
	{"SUBSCRIBE", cmd_subscribe, 0},
	{"UNSUBSCRIBE", cmd_unsubscribe, 0},
	{"GETMETADATA", cmd_getmetadata, 0},
	{"SETMETADATA", cmd_setmetadata, 0},
	{"GETQUOTAROOT", cmd_getquotaroot, 0},
	{"GETQUOTA", cmd_getquota, 0},
	{"SETQUOTA", cmd_setquota, 0},
	{"NAMESPACE", cmd_namespace, ALONE},
	{"CAPABILITY", cmd_capability, ALONE},
	{"ENABLE", cmd_enable, 0},
	{"ID", cmd_id, 0},
	{"COMPRESS", cmd_compress, 0},
	{"NOTIFY", cmd_notify, 0},
	{"LOGOUT", cmd_logout, ALONE},
};

/* --- answers ---------------------------------------------------------------------- */

struct answer
answer_ok(const char *text)
{
	return (struct answer){ANSWER_OK, NULL, text};
}

struct answer
answer_ok_code(const char *code, const char *text)
{
	return (struct answer){ANSWER_OK, code, text};
}

struct answer
answer_no(const char *code, const char *text)
{
	return (struct answer){ANSWER_NO, code, text};
}

const char answer_highest[] = "HIGHESTMODSEQ";

struct answer
answer_over_quota(void)
{
	return answer_no("OVERQUOTA", "the mailbox is full: its quota is used up");
}

struct answer
answer_bad(const char *text)
{
	return (struct answer){ANSWER_BAD, NULL, text != NULL ? text : "the command is broken"};
}

struct answer
answer_uid_required(void)
{
	return (struct answer){ANSWER_BAD, "UIDREQUIRED", "message numbers were given up with ENABLE UIDONLY"};
}

struct answer
answer_errno(const char *doing)
{
	switch (errno) {
	case ENOENT:
		return answer_no("NONEXISTENT", "there is no such folder");
	case EEXIST:
		return answer_no("ALREADYEXISTS", "there is a folder of that name");
	case EINVAL:
		return answer_no("CANNOT", "this cannot be a folder's name, or not for this command");
	case ETIMEDOUT:
		return answer_no("INUSE", "the folder is busy, try again");
	case ENOMEM:
		log_warning("session-memory", log_text("doing", doing), log_text("hint", session_memory_hint));
		return answer_no("LIMIT", "this takes more memory than a session may have: a folder too large, or too many messages");
	case EDQUOT:
		return answer_no("OVERQUOTA", "there is no room left");
	case EACCES:
	case EPERM:
	case EROFS:
		log_error("store-failed", log_text("doing", doing), log_errno(), log_text("hint", "vmail must own the user's Maildir and may write in it"));
		return answer_no("CONTACTADMIN", "the server may not do this with the mailbox: tell its administrator");
	default:
		log_error("store-failed", log_text("doing", doing), log_errno(),
		    log_text("hint", errno == ENOSPC ? "the disk is full" : "see the user's Maildir"));
		return answer_no("UNAVAILABLE", "this failed for now, try again later");
	}
}

/* --- dispatch --------------------------------------------------------------------- */

static const struct command *
find_command(struct slice name)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (slice_is_nocase(name, commands[i].name))
			return &commands[i];
	return NULL;
}

/* "TAG [UID] NAME" */
static const struct command *
parse_head(struct session *s, struct parser *p)
{
	struct slice name;
	s->tag = slice_of("*");
	s->by_uid = false;
	struct slice tag;
	if (!parse_tag(p, &tag))
		return NULL;
	s->tag = tag;
	if (!parse_space(p) || !parse_atom(p, &name))
		return NULL;
	if (slice_is_nocase(name, "UID")) {
		s->by_uid = true;
		if (!parse_space(p) || !parse_atom(p, &name))
			return NULL;
	}
	const struct command *c = find_command(name);
	if (c == NULL || (s->by_uid && !(c->flags & HAS_UID))) {
		parse_fail(p, "unknown command");
		return NULL;
	}
	return c;
}

static struct answer
run(struct session *s, const struct command *c, struct parser *p)
{
	if (c->flags & NEEDS_FOLDER && !s->view.open)
		return answer_bad("select a folder first");
	if (c->flags & NUMBERS && s->dialect.uidonly && !s->by_uid)
		return answer_uid_required();
	if (c->flags & ALONE && !parse_end(p))
		return answer_bad(p->error);
	return c->run(s, p);
}

/*
 * At the tagged answer a client takes the highest mod-sequence that it was told
 * for what it knows all up to (RFC 7162 section 6): so it must be told all of
 * that, or that it is less.
 */
static bool
must_look(const struct session *s, const struct command *c)
{
	return c->flags & LOOKS || (s->dialect.condstore && c->flags & NEEDS_FOLDER);
}

/* False: the view cannot go on, and BYE is said. */
static bool
can_go_on(struct session *s, bool looked)
{
	if (!looked && s->view.full) {
		log_warning("session-memory", log_text("doing", "look"), log_text("folder", s->view.name), log_text("hint", session_memory_hint));
		session_bye(s, "[LIMIT] the folder has become larger than the memory of a session");
		return false;
	}
	if (!looked && s->view.stale) {
		log_warning("folder-replaced", log_text("folder", s->view.name));
		session_bye(s, "the folder was removed or replaced by another program");
		return false;
	}
	return true;
}

bool
session_refresh(struct session *s)
{
	return can_go_on(s, view_refresh(&s->view));
}

/* Untagged news come before the tagged answer. */
static void
report(struct session *s, const struct command *c)
{
	if (!s->view.open)
		return;
	if (!can_go_on(s, must_look(s, c) ? view_refresh(&s->view) : view_refresh_lazily(&s->view)))
		return;
	uint32_t last = notify_last_uid(s);
	struct dialect dialect = s->dialect;
	dialect.quiet_expunges = dialect.quiet_expunges && !(c->flags & REMOVES);
	view_report(&s->view, &s->out, &dialect, !(c->flags & KEEPS_NUMBERS) || s->by_uid, s->by_uid);
	if (s->dialect.condstore && s->view.folder.vanished > 0)
		condstore_tell_highest(s);
	if (!(c->flags & BRINGS))
		notify_tell_new(s, last);
}

static void
write_answer(struct session *s, const struct answer *a)
{
	static const char *const words[] = {"OK", "NO", "BAD"};
	if (a->status == ANSWER_NONE)
		return;
	output_slice(&s->out, s->tag);
	output_format(&s->out, " %s ", words[a->status]);
	if (a->code != NULL) {
		output_text(&s->out, "[");
		output_text(&s->out, a->code);
		output_text(&s->out, "] ");
	}
	output_text(&s->out, a->text);
	output_text(&s->out, "\r\n");
}

static void
count_mistakes(struct session *s, const struct answer *a)
{
	if (a->status != ANSWER_BAD) {
		s->mistakes = 0;
		return;
	}
	if (++s->mistakes >= SESSION_MISTAKES) {
		log_info("too-many-mistakes", log_text("last", a->text));
		session_bye(s, "too many mistakes");
	}
}

/* Behind the answer: it is the last thing that the client reads as it is. */
static void
begin_compression(struct session *s)
{
	s->compresses = false;
	output_flush(&s->out);
	if (!compress_begin(&s->in, &s->out))
		s->done = true;
}

void
session_command(struct session *s)
{
	struct parser p = parser_over(str_slice(&s->gather.text), &s->scratch);
	s->busy = true;
	p.utf8 = s->dialect.utf8;
	const struct command *c = parse_head(s, &p);
	struct answer a = c != NULL ? run(s, c, &p) : answer_bad(p.error);
	session_drain(s);
	if (c != NULL && !s->done)
		report(s, c);
	if (!s->done)
		metadata_tell_news(s);
	if (a.status == ANSWER_OK && a.code == answer_highest)
		a.code = condstore_code(s);
	write_answer(s, &a);
	count_mistakes(s, &a);
	if (s->compresses)
		begin_compression(s);
	s->busy = false;
}
