/* REPLACE: RFC 8508. */
#include "imapd/append.h"

#include <errno.h>

#include "imapd/namespace.h"

/* One message, by number or by UID. NULL: *answer says why. */
static struct message *
find_replaced(struct session *s, struct targets *t, struct answer *answer)
{
	size_t index;
	*answer = answer_bad("REPLACE takes the number of one message");
	if (t->set.saved || t->set.count != 1 || t->set.ranges[0].first != t->set.ranges[0].last)
		return NULL;
	*answer = answer_bad("there is no such message");
	if (!targets_resolve(s, t) || (!s->by_uid && s->view.announced == 0))
		return NULL;
	struct message *m = targets_next(s, t, &index);
	*answer = t->gone ? answer_no("EXPUNGEISSUED", "the message is gone") : answer_no("NONEXISTENT", "there is no such message");
	return m;
}

/* Between two folders that are counted only the difference needs room, as in MOVE. */
static struct quota_amount
exchanged_size(const struct session *s, const struct append *a, const struct message *m)
{
	const struct quota_rules *rules = s->account.quota.rules;
	bool both = quota_rules_count(rules, namespace_inward(a->name)) && quota_rules_count(rules, slice_of(s->view.name));
	return both ? quota_of_message(&s->view.folder, m) : (struct quota_amount){0, 0};
}

/* The new one is durable: the old one goes. */
static bool
remove_replaced(struct session *s, struct append *a, uint32_t uid)
{
	struct folder *f = &s->view.folder;
	struct message *m = &f->messages[folder_place_of(f, uid)];
	struct quota_amount size = quota_of_message(f, m);
	const struct quota_amount none = {0, 0};
	quota_begin(&s->account.quota);
	bool ok = folder_expunge(f, m);
	/* What was exchanged is counted no more already. */
	account_done(&s->account, slice_of(s->view.name), ok && a->exchanged.messages == 0 ? size : none);
	int trouble = errno;
	if (!ok)
		append_keep_exchanged(a);
	s->view.own_change = true;
	errno = trouble;
	return ok;
}

static struct answer
replace(struct session *s, struct append *a, struct parser *p, uint32_t uid)
{
	const char *code;
	if (!append_run(a, p, &code))
		return a->answer;
	/* Told before the EXPUNGE, as in MOVE. */
	if (code != NULL)
		output_format(&s->out, "* OK [%s] the replacement is there\r\n", code);
	return remove_replaced(s, a, uid) ? answer_ok_code(answer_highest, "replaced") : answer_errno("remove what was replaced");
}

struct answer
cmd_replace(struct session *s, struct parser *p)
{
	struct append a = {.session = s, .single = true};
	struct targets t;
	struct answer answer;
	if (!targets_parse(s, p, &t, &answer))
		return answer;
	if (!append_parse_folder(p, &a.name))
		return answer_bad(p->error);
	if (s->view.folder.read_only)
		return answer_no("READ-ONLY", "the folder is open for reading only");
	struct message *m = find_replaced(s, &t, &answer);
	if (m == NULL)
		return answer;
	a.exchanged = exchanged_size(s, &a, m);
	answer = replace(s, &a, p, m->uid);
	append_end(&a);
	return answer;
}
