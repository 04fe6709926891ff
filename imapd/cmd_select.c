/* SELECT and EXAMINE (RFC 3501 sections 6.3.1, 6.3.2), CLOSE, UNSELECT (RFC 3691). */
#include "imapd/session.h"

#include "imapd/namespace.h"
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
tell_folder(struct session *s)
{
	struct view *v = &s->view;
	folder_drop(&v->folder, NULL, NULL);
	v->news = false;
	for (size_t i = 0; i < v->folder.count; i++)
		v->folder.messages[i].changed = false;
	view_tell_flags(v, &s->out);
	view_tell_count(v, &s->out);
	tell_first_unseen(s);
	output_format(&s->out, "* OK [UIDVALIDITY %u] UIDs valid\r\n", v->folder.uidvalidity);
	output_format(&s->out, "* OK [UIDNEXT %u] next UID\r\n", v->folder.uidnext);
}

static struct answer
select_folder(struct session *s, struct parser *p, bool read_only)
{
	struct slice name;
	if (!parse_space(p) || !namespace_parse(p, &name) || !parse_end(p))
		return answer_bad(p->error);
	leave_folder(s);
	if (!view_open(&s->view, &s->maildir, name, read_only))
		return answer_errno("select");
	tell_folder(s);
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
	(void)p;
	if (!s->view.folder.read_only && !session_expunge(s, NULL))
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
