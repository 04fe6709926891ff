/* STORE: RFC 3501 section 6.4.6. */
#include "imapd/session.h"

#include <errno.h>

#include "imapd/flags.h"

struct change {
	enum flag_change kind;
	bool             silent;
	struct slice     names[FLAGS_MOST];
	size_t           count;
	struct flag_set  set;
};

static bool
parse_change(struct parser *p, struct change *c)
{
	if (!parse_space(p))
		return false;
	c->kind = FLAGS_REPLACE;
	if (parse_maybe(p, '+'))
		c->kind = FLAGS_ADD;
	else if (parse_maybe(p, '-'))
		c->kind = FLAGS_REMOVE;
	c->silent = parse_word(p, "FLAGS.SILENT");
	if (!c->silent && !parse_word(p, "FLAGS"))
		return parse_fail(p, "FLAGS is missing");
	return parse_space(p) && parse_flag_list(p, true, c->names, FLAGS_MOST, &c->count) && parse_end(p);
}

static void
tell(struct session *s, struct message *m, size_t index)
{
	output_format(&s->out, "* %zu FETCH (", index + 1);
	if (s->by_uid)
		output_format(&s->out, "UID %u ", m->uid);
	output_text(&s->out, "FLAGS (");
	flags_write(&s->out, &s->view.folder, m);
	output_text(&s->out, "))\r\n");
}

/* False with errno for trouble; a message that is gone is none. */
static bool
change_message(struct session *s, const struct change *c, struct targets *t, struct message *m)
{
	if (!folder_set_flags(&s->view.folder, m, c->kind, c->set.flags, c->set.keywords)) {
		t->gone = t->gone || errno == ENOENT;
		return errno == ENOENT;
	}
	m->changed = !c->silent;
	return true;
}

static bool
change_all(struct session *s, const struct change *c, struct targets *t)
{
	size_t index;
	bool ok = true;
	folder_change_begin(&s->view.folder);
	for (struct message *m; ok && (m = targets_next(s, t, &index)) != NULL;)
		ok = change_message(s, c, t, m);
	folder_change_end(&s->view.folder);
	return ok;
}

/* Only now, without the folder's lock: the client may be slow to read it. */
static void
tell_all(struct session *s, struct targets t)
{
	size_t index;
	for (struct message *m; !s->out.failed && (m = targets_next(s, &t, &index)) != NULL;) {
		if (m->changed)
			tell(s, m, index);
		m->changed = false;
	}
}

struct answer
cmd_store(struct session *s, struct parser *p)
{
	struct targets t;
	struct answer answer;
	struct change change = {.count = 0};
	const char *error = NULL;
	if (!targets_parse(s, p, &t, &answer))
		return answer;
	if (!parse_change(p, &change))
		return answer_bad(p->error);
	if (!targets_resolve(s, &t))
		return answer_bad("there is no such message");
	if (s->view.folder.read_only)
		return answer_no("READ-ONLY", "the folder is open for reading only");
	bool create = change.kind != FLAGS_REMOVE;
	if (!flags_resolve(&s->view.folder, change.names, change.count, create, &change.set, &error))
		return answer_bad(error);
	view_tell_new_flags(&s->view, &s->out);
	const struct targets all = t;
	bool ok = change_all(s, &change, &t);
	int trouble = errno;
	tell_all(s, all);
	errno = trouble;
	if (!ok)
		return answer_errno("store flags");
	if (t.gone)
		return answer_no("EXPUNGEISSUED", "some of the messages are gone");
	return answer_ok("done");
}
