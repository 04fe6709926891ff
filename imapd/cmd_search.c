/* SEARCH: RFC 9051 section 6.4.4 (RFC 3501 section 6.4.4, RFC 4731 for RETURN). */
#include "imapd/search_result.h"

/* RFC 6855 section 3: what was said is in UTF-8. */
static bool
has_charset(struct parser p)
{
	return parse_word(&p, "CHARSET");
}

static struct answer
search(struct session *s, struct parser *p, struct search_return *r)
{
	const struct charset *charset;
	struct search_key *program;
	struct matches found;
	struct answer answer;
	if (!parse_space(p) || !parse_search_return(p, r))
		return answer_bad(p->error);
	/* RFC 9051 section 7.3.4: it knows ESEARCH alone. */
	if (s->dialect.rev2 && !r->given)
		r->given = r->all = true;
	if (s->dialect.utf8_accept && has_charset(*p))
		return answer_bad("UTF8=ACCEPT was enabled: there may be no charset");
	if (!parse_search_charset(p, &charset))
		return charset == NULL ? match_bad_charset(s) : answer_bad(p->error);
	if (!parse_search(p, charset, &program, &r->modseq))
		return answer_bad(p->error);
	if (!match_all(s, program, &found, &answer))
		return answer;
	return search_answer(s, r, &found);
}

struct answer
cmd_search(struct session *s, struct parser *p)
{
	struct search_return r = {.given = false};
	struct answer answer = search(s, p, &r);
	search_forget(s, &r, &answer);
	return answer;
}
