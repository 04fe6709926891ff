#include "imapd/parse_fetch.h"

#include "imapd/parse_select.h"

static bool
parse_modifier(struct parser *p, struct fetch_modifiers *m)
{
	if (parse_word(p, "CHANGEDSINCE")) {
		m->changed = true;
		return parse_space(p) && parse_modseq(p, &m->modseq);
	}
	if (parse_word(p, "PARTIAL")) {
		m->partial = true;
		return parse_space(p) && parse_partial_range(p, &m->part);
	}
	if (!parse_word(p, "VANISHED"))
		return parse_fail(p, "there is an unknown modifier");
	m->vanished = true;
	return true;
}

bool
parse_fetch_modifiers(struct parser *p, struct fetch_modifiers *m)
{
	*m = (struct fetch_modifiers){.changed = false};
	if (!parse_maybe(p, ' '))
		return true;
	if (!parse_byte(p, '('))
		return false;
	do {
		if (!parse_modifier(p, m))
			return false;
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')');
}
