/* Result options: RETURN (MIN MAX ALL COUNT SAVE PARTIAL 1:100). */
#include "imapd/search_result.h"

static bool
parse_partial(struct parser *p, struct search_return *r)
{
	if (r->partial)
		return parse_fail(p, "PARTIAL stands twice");
	r->partial = true;
	return parse_space(p) && parse_partial_range(p, &r->part);
}

static bool
parse_option(struct parser *p, struct search_return *r)
{
	const struct {
		const char *word;
		bool       *option;
	} options[] = {{"MIN", &r->min}, {"MAX", &r->max}, {"ALL", &r->all}, {"COUNT", &r->count}, {"SAVE", &r->save}};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (parse_word(p, options[i].word))
			return *options[i].option = true;
	if (parse_word(p, "PARTIAL"))
		return parse_partial(p, r);
	return parse_fail(p, "there is an unknown result option");
}

bool
parse_search_return(struct parser *p, struct search_return *r)
{
	*r = (struct search_return){.given = parse_word(p, "RETURN")};
	if (!r->given)
		return true;
	if (!parse_space(p) || !parse_byte(p, '('))
		return false;
	if (!parse_maybe(p, ')')) {
		do {
			if (!parse_option(p, r))
				return false;
		} while (parse_maybe(p, ' '));
		if (!parse_byte(p, ')'))
			return false;
	}
	if (r->all && r->partial)
		return parse_fail(p, "ALL and PARTIAL do not go together");
	if (!r->min && !r->max && !r->count && !r->save && !r->partial)
		r->all = true;
	return parse_space(p);
}
