#include "imapd/parse_select.h"

/* A mod-sequence may begin with zeros, as its grammar says. */
bool
parse_modseq(struct parser *p, uint64_t *modseq)
{
	if (!parse_number(p, INT64_MAX, modseq))
		return false;
	return *modseq > 0 || parse_fail(p, "no mod-sequence is 0");
}

bool
parse_modseq_or_zero(struct parser *p, uint64_t *modseq)
{
	*modseq = 0;
	return parse_word(p, "0") || parse_modseq(p, modseq);
}

/* A set without "*"; `ascending`: each number above the one before. */
static bool
parse_known_set(struct parser *p, struct sequence_set *set, bool ascending)
{
	uint32_t before = 0;
	if (!parse_sequence_set(p, set))
		return false;
	if (set->saved)
		return parse_fail(p, "there may be no $ in what is known");
	for (size_t i = 0; i < set->count; i++) {
		struct sequence_range r = set->ranges[i];
		if (r.first == SEQUENCE_STAR || r.last == SEQUENCE_STAR)
			return parse_fail(p, "there may be no * in what is known");
		if (ascending && (r.first <= before || r.last < r.first))
			return parse_fail(p, "known numbers are not in ascending order");
		before = r.last;
	}
	return true;
}

/* "(" known-sequence-set SP known-uid-set ")" */
static bool
parse_match(struct parser *p, struct select_parameters *s)
{
	return parse_byte(p, '(') && parse_known_set(p, &s->numbers, true) && parse_space(p) &&
	    parse_known_set(p, &s->uids, true) && parse_byte(p, ')');
}

/* SP "(" uidvalidity SP modseq [SP known-uids] [SP seq-match-data] ")" */
static bool
parse_qresync(struct parser *p, struct select_parameters *s)
{
	s->qresync = true;
	if (!parse_space(p) || !parse_byte(p, '(') || !parse_nz_number(p, UINT32_MAX, &s->uidvalidity) || !parse_space(p) ||
	    !parse_modseq(p, &s->modseq))
		return false;
	bool more = parse_maybe(p, ' ');
	if (more && cursor_peek(&p->c) != '(') {
		s->has_known = true;
		if (!parse_known_set(p, &s->known, false))
			return false;
		sequence_resolve(&s->known, 0);
		more = parse_maybe(p, ' ');
	}
	return (!more || parse_match(p, s)) && parse_byte(p, ')');
}

bool
parse_select_parameters(struct parser *p, struct select_parameters *s)
{
	*s = (struct select_parameters){.condstore = false};
	if (cursor_at_end(&p->c))
		return true;
	if (!parse_space(p) || !parse_byte(p, '('))
		return false;
	do {
		if (parse_word(p, "CONDSTORE"))
			s->condstore = true;
		else if (!s->qresync && parse_word(p, "QRESYNC")) {
			if (!parse_qresync(p, s))
				return false;
		} else
			return parse_fail(p, "there is an unknown parameter");
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')') && parse_end(p);
}
