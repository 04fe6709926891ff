/* Keys that are not for every session and folder. */
#include "imapd/match.h"

#include "imapd/condstore.h"

static bool
has_kind(const struct search_key *key, enum search_kind kind)
{
	bool has = key->kind == kind && !key->set.saved;
	for (const struct search_key *child = key->child; child != NULL && !has; child = child->next)
		has = has_kind(child, kind);
	return has;
}

bool
search_allowed(struct session *s, const struct search_key *program, struct answer *answer)
{
	if (s->dialect.uidonly && has_kind(program, SEARCH_NUMBERS)) {
		*answer = answer_uid_required();
		return false;
	}
	if (!has_kind(program, SEARCH_MODSEQ))
		return true;
	*answer = condstore_impossible();
	if (!condstore_possible(s))
		return false;
	condstore_begin(s);
	return true;
}
