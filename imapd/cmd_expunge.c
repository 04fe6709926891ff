/* EXPUNGE (RFC 3501 section 6.4.3) and UID EXPUNGE (RFC 4315), with what RFC 7162 adds. */
#include <errno.h>

#include "imapd/session.h"

static bool
expunge(struct folder *f, const struct targets *t, struct quota_amount *gone, size_t *count)
{
	bool removed;
	for (size_t i = 0; i < f->count; i++) {
		struct message *m = &f->messages[i];
		if (!(m->flags & FLAG_DELETED) || m->vanished || (t != NULL && !sequence_has(&t->set, m->uid)))
			continue;
		struct quota_amount size = quota_of_name(f, m);
		if (!folder_remove(f, m, &removed))
			return false;
		if (removed)
			quota_sum(gone, size);
		++*count;
	}
	return true;
}

bool
session_expunge(struct session *s, const struct targets *t, size_t *count)
{
	struct quota_amount gone = {0, 0};
	quota_begin(&s->account.quota);
	folder_change_begin(&s->view.folder);
	bool ok = expunge(&s->view.folder, t, &gone, count);
	int trouble = errno;
	folder_change_end(&s->view.folder);
	account_done(&s->account, slice_of(s->view.name), gone);
	errno = trouble;
	return ok;
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
	/* The EXPUNGE or VANISHED responses come with the news of the view. */
	size_t count = 0;
	if (!session_expunge(s, s->by_uid ? &t : NULL, &count))
		return answer_errno("expunge");
	return answer_ok_code(count > 0 ? answer_highest : NULL, "done");
}
