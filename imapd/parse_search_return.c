/* Result options: RETURN (MIN MAX ALL COUNT SAVE PARTIAL 1:100). */
#include "imapd/search_result.h"

#define NEED_RANGE "a range is missing (1:100 or -1:-100)"

static bool
parse_end_of_range(struct parser *p, bool *backward, uint32_t *number)
{
	uint64_t n;
	*backward = parse_maybe(p, '-');
	if (!cursor_take_number(&p->c, UINT32_MAX, &n) || n == 0)
		return parse_fail(p, NEED_RANGE);
	*number = (uint32_t)n;
	return true;
}

/* Both ends count from the same side; in either order. */
static bool
parse_partial(struct parser *p, struct search_return *r)
{
	bool backward;
	uint32_t first = 0, last = 0;
	if (r->partial)
		return parse_fail(p, "PARTIAL stands twice");
	r->partial = true;
	if (!parse_space(p) || !parse_end_of_range(p, &r->backward, &first) || !parse_byte(p, ':') ||
	    !parse_end_of_range(p, &backward, &last))
		return parse_fail(p, NEED_RANGE);
	r->first = first < last ? first : last;
	r->last = first < last ? last : first;
	return backward == r->backward || parse_fail(p, NEED_RANGE);
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
