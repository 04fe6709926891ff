/* The messages that a command names, by number or by UID. */
#include "imapd/session.h"

bool
targets_parse(struct session *s, struct parser *p, struct targets *t, struct answer *answer)
{
	*t = (struct targets){.by_uid = s->by_uid};
	if (parse_space(p) && parse_sequence_set(p, &t->set))
		return true;
	*answer = answer_bad(p->error);
	return false;
}

static uint32_t
largest_uid(const struct session *s)
{
	size_t known = s->view.announced;
	return known > 0 ? s->view.folder.messages[known - 1].uid : 0;
}

/* What the client was not told of does not exist for it. */
bool
targets_resolve(struct session *s, struct targets *t)
{
	uint32_t known = (uint32_t)s->view.announced;
	t->index = 0;
	if (t->set.saved) {
		t->set = s->view.saved;
		t->by_uid = true;
		return true;
	}
	sequence_resolve(&t->set, t->by_uid ? largest_uid(s) : known);
	/* "1:*" of an empty folder names nothing and is no mistake. */
	return t->by_uid || known == 0 || sequence_largest(&t->set) <= known;
}

/* Moves to the first index at or behind `index` that is in the set; false at the end. */
static bool
seek(struct session *s, struct targets *t, size_t *index)
{
	const struct message *messages = s->view.folder.messages;
	for (; *index < s->view.announced; ++*index)
		if (sequence_has(&t->set, t->by_uid ? messages[*index].uid : (uint32_t)*index + 1))
			return true;
	return false;
}

struct message *
targets_next(struct session *s, struct targets *t, size_t *index)
{
	while (seek(s, t, &t->index)) {
		*index = t->index++;
		struct message *m = &s->view.folder.messages[*index];
		if (!m->vanished)
			return m;
		t->gone = true;
	}
	return NULL;
}
