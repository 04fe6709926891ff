/* EXPUNGE (RFC 3501 section 6.4.3) and UID EXPUNGE (RFC 4315). */
#include "imapd/session.h"

static bool
expunge_deleted(struct session *s, const struct targets *t)
{
	struct folder *f = &s->view.folder;
	for (size_t i = 0; i < f->count; i++) {
		struct message *m = &f->messages[i];
		if (!(m->flags & FLAG_DELETED) || m->vanished || (t != NULL && !sequence_has(&t->set, m->uid)))
			continue;
		if (!folder_expunge(f, m))
			return false;
	}
	return true;
}

struct answer
cmd_expunge(struct session *s, struct parser *p)
{
	struct targets t;
	struct answer answer;
	if (s->by_uid && !targets_parse(s, p, &t, &answer))
		return answer;
	if (!parse_end(p))
		return answer_bad(p->error);
	if (s->view.folder.read_only)
		return answer_no("READ-ONLY", "the folder is open for reading only");
	if (s->by_uid)
		targets_resolve(s, &t);
	/* The EXPUNGE responses come with the news of the view. */
	if (!expunge_deleted(s, s->by_uid ? &t : NULL))
		return answer_errno("expunge");
	return answer_ok("done");
}
