#include "imapd/parse_sort.h"

static const struct {
	const char    *word;
	enum sort_kind kind;
} words[] = {
	{"ARRIVAL", SORT_ARRIVAL}, {"CC", SORT_CC}, {"DATE", SORT_DATE}, {"DISPLAYFROM", SORT_DISPLAY_FROM},
	{"DISPLAYTO", SORT_DISPLAY_TO}, {"FROM", SORT_FROM}, {"SIZE", SORT_SIZE}, {"SUBJECT", SORT_SUBJECT}, {"TO", SORT_TO},
};

static bool
parse_criterion(struct parser *p, struct sort_criteria *criteria)
{
	if (criteria->count == SORT_MOST)
		return parse_fail(p, "there are too many sort criteria");
	struct sort_criterion *c = &criteria->list[criteria->count++];
	c->reverse = parse_word(p, "REVERSE");
	if (c->reverse && !parse_space(p))
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (parse_word(p, words[i].word)) {
			c->kind = words[i].kind;
			return true;
		}
	return parse_fail(p, "there is an unknown sort criterion");
}

bool
parse_sort(struct parser *p, struct sort_criteria *criteria)
{
	criteria->count = 0;
	if (!parse_byte(p, '('))
		return false;
	do {
		if (!parse_criterion(p, criteria))
			return false;
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')');
}
