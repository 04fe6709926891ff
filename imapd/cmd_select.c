/* SELECT and EXAMINE (RFC 3501 sections 6.3.1, 6.3.2, RFC 7162 section 3.2.5), CLOSE, UNSELECT (RFC 3691). */
#include "imapd/session.h"

#include <errno.h>

#include "imapd/condstore.h"
#include "imapd/namespace.h"
#include "imapd/objectid.h"
#include "imapd/parse_select.h"
#include "imapd/vanished.h"
#include "lib/store/folders.h"

static void
leave_folder(struct session *s)
{
	body_close(&s->body);
	view_close(&s->view);
}

static void
tell_first_unseen(struct session *s)
{
	const struct folder *f = &s->view.folder;
	for (size_t i = 0; i < f->count; i++) {
		if (f->messages[i].flags & FLAG_SEEN)
			continue;
		output_format(&s->out, "* OK [UNSEEN %zu] first unseen\r\n", i + 1);
		return;
	}
}

static void
tell_folder(struct session *s, const char *mailboxid)
{
	struct view *v = &s->view;
	folder_drop(&v->folder, NULL, NULL);
	v->news = false;
	for (size_t i = 0; i < v->folder.count; i++)
		v->folder.messages[i].changed = false;
	view_tell_flags(v, &s->out);
	view_tell_count(v, &s->out, &s->dialect);
	/* Of IMAP4rev1 only (RFC 9051 appendix E). */
	if (!s->dialect.uidonly && !s->dialect.rev2)
		tell_first_unseen(s);
	output_format(&s->out, "* OK [UIDVALIDITY %u] UIDs valid\r\n", v->folder.uidvalidity);
	output_format(&s->out, "* OK [UIDNEXT %u] next UID\r\n", v->folder.uidnext);
	output_format(&s->out, "* OK [%s] the folder's id\r\n", mailboxid);
	view_all_told(v);
	condstore_tell_highest(s);
}

/* --- what has happened since the client was here -------------------------------------- */

/* The UID up to which the client's pairs of number and UID are those of the folder: nothing below it is gone. */
static uint32_t
match_known(const struct folder *f, const struct select_parameters *p)
{
	uint32_t matched = 0;
	size_t a = 0, b = 0;
	uint32_t number = p->numbers.count > 0 ? p->numbers.ranges[0].first : 0;
	uint32_t uid = p->uids.count > 0 ? p->uids.ranges[0].first : 0;
	while (a < p->numbers.count && b < p->uids.count) {
		if (number > f->count || f->messages[number - 1].uid != uid)
			break;
		matched = uid;
		if (number++ == p->numbers.ranges[a].last && ++a < p->numbers.count)
			number = p->numbers.ranges[a].first;
		if (uid++ == p->uids.ranges[b].last && ++b < p->uids.count)
			uid = p->uids.ranges[b].first;
	}
	return matched;
}

/* RFC 7162 section 3.2.5.1: as UID FETCH known (FLAGS) (CHANGEDSINCE modseq VANISHED). False without memory. */
static bool
tell_since(struct session *s, const struct select_parameters *p)
{
	struct view *v = &s->view;
	struct sequence_range all = {.first = 1, .last = UINT32_MAX};
	struct vanished_since since = {.modseq = p->modseq, .known = p->known, .matched = match_known(&v->folder, p)};
	/* Another folder's UIDs, or no mod-sequences: there is nothing to go on from. */
	if (p->uidvalidity != v->folder.uidvalidity || !condstore_possible(s))
		return true;
	if (!p->has_known)
		since.known = (struct sequence_set){.count = 1, .ranges = &all};
	if (!vanished_tell_earlier(&s->out, v, &since))
		return false;
	for (size_t i = 0; i < v->announced; i++)
		if (condstore_is_newer(&v->folder.messages[i], p->modseq) && sequence_has(&since.known, v->folder.messages[i].uid))
			view_tell_change(v, &s->out, &s->dialect, i, true);
	return true;
}

/* --- the commands ------------------------------------------------------------------- */

void
session_leave_folder(struct session *s)
{
	if (!s->view.open)
		return;
	leave_folder(s);
	output_text(&s->out, "* OK [CLOSED] the folder before is closed\r\n");
}

static struct answer
select_folder(struct session *s, struct parser *p, bool read_only)
{
	struct slice name;
	struct select_parameters parameters;
	if (!parse_space(p) || !namespace_parse(p, &name) || !parse_select_parameters(p, &parameters))
		return answer_bad(p->error);
	if (parameters.qresync && !s->dialect.qresync)
		return answer_bad("QRESYNC must be enabled first");
	if (parameters.numbers.count > 0 && s->dialect.uidonly)
		return answer_uid_required();
	session_leave_folder(s);
	if (parameters.condstore || parameters.qresync)
		condstore_begin(s);
	if (!view_open(&s->view, &s->maildir, name, read_only))
		return answer_errno("select");
	const char *mailboxid = objectid_folder_code(s, &s->view.folder);
	if (mailboxid == NULL) {
		struct answer failed = answer_errno("select");
		leave_folder(s);
		return failed;
	}
	tell_folder(s, mailboxid);
	errno = ENOMEM;
	if ((parameters.qresync && !tell_since(s, &parameters)) || (s->dialect.rev2 && !list_tell(s, name))) {
		leave_folder(s);
		return answer_errno("select");
	}
	return read_only ? answer_ok_code("READ-ONLY", "selected, read only") : answer_ok_code("READ-WRITE", "selected");
}

struct answer
cmd_select(struct session *s, struct parser *p)
{
	return select_folder(s, p, false);
}

struct answer
cmd_examine(struct session *s, struct parser *p)
{
	return select_folder(s, p, true);
}

/* Removes what is marked \Deleted, in silence. */
struct answer
cmd_close(struct session *s, struct parser *p)
{
	size_t count = 0;
	(void)p;
	if (!s->view.folder.read_only && !session_expunge(s, NULL, &count))
		return answer_errno("expunge");
	leave_folder(s);
	return answer_ok("closed");
}

struct answer
cmd_unselect(struct session *s, struct parser *p)
{
	(void)p;
	leave_folder(s);
	return answer_ok("closed");
}
