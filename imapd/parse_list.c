#include "imapd/parse_list.h"

/* "(" [one *(SP one)] ")" */
static bool
parse_options(struct parser *p, struct list_request *r, bool (*parse_one)(struct parser *, struct list_request *))
{
	if (!parse_byte(p, '('))
		return false;
	if (parse_maybe(p, ')'))
		return true;
	do {
		if (!parse_one(p, r))
			return false;
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')');
}

static bool
parse_selection(struct parser *p, struct list_request *r)
{
	const struct {
		const char *word;
		bool       *option;
	} words[] = {{"SUBSCRIBED", &r->select_subscribed}, {"REMOTE", &r->remote}, {"RECURSIVEMATCH", &r->recursive},
	    {"SPECIAL-USE", &r->select_use}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (parse_word(p, words[i].word))
			return *words[i].option = true;
	return parse_fail(p, "there is an unknown selection option");
}

static bool
parse_return(struct parser *p, struct list_request *r)
{
	const struct {
		const char *word;
		bool       *option;
	} words[] = {{"SUBSCRIBED", &r->tell_subscribed}, {"CHILDREN", &r->tell_children}, {"SPECIAL-USE", &r->tell_use}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (parse_word(p, words[i].word))
			return *words[i].option = true;
	if (parse_word(p, "METADATA")) {
		r->tell_metadata = true;
		return parse_space(p) && parse_metadata_names(p, &r->metadata);
	}
	if (!parse_word(p, "STATUS"))
		return parse_fail(p, "there is an unknown return option");
	r->tell_status = true;
	return parse_space(p) && parse_status_items(p, &r->status);
}

static bool
parse_pattern(struct parser *p, struct list_request *r)
{
	if (r->count == LIST_PATTERNS_MOST)
		return parse_fail(p, "there are too many patterns");
	return parse_list_mailbox(p, &r->patterns[r->count++]);
}

static bool
parse_patterns(struct parser *p, struct list_request *r)
{
	bool many = cursor_peek(&p->c) == '(';
	r->patterns = scratch_take_array(p->scratch, many ? LIST_PATTERNS_MOST : 1, sizeof *r->patterns);
	if (r->patterns == NULL)
		return parse_fail(p, "the command needs too much memory");
	if (!many)
		return parse_pattern(p, r);
	r->extended = true;
	if (!parse_options(p, r, parse_pattern))
		return false;
	return r->count > 0 || parse_fail(p, "a folder pattern is missing");
}

/* What a selection implies: RFC 5258 section 3.1, RFC 6154 section 2. */
static void
imply(struct list_request *r)
{
	bool plain = !r->extended;
	r->tell_children = r->tell_children || plain;
	r->tell_use = r->tell_use || plain || r->select_use;
	r->tell_subscribed = r->tell_subscribed || r->select_subscribed;
}

bool
parse_list(struct parser *p, struct list_request *r)
{
	if (!parse_space(p))
		return false;
	if (cursor_peek(&p->c) == '(') {
		r->extended = true;
		if (!parse_options(p, r, parse_selection) || !parse_space(p))
			return false;
		if (r->recursive && !r->select_subscribed && !r->select_use)
			return parse_fail(p, "RECURSIVEMATCH needs another selection option");
	}
	if (!parse_astring(p, &r->reference) || !parse_space(p) || !parse_patterns(p, r))
		return false;
	if (parse_maybe(p, ' ')) {
		r->extended = true;
		if (!parse_word(p, "RETURN"))
			return parse_fail(p, "RETURN is missing");
		if (!parse_space(p) || !parse_options(p, r, parse_return))
			return false;
	}
	imply(r);
	return parse_end(p);
}
