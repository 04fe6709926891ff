/* LSUB: RFC 3501 section 6.3.9. */
#include "imapd/session.h"

#include "imapd/names.h"
#include "imapd/namespace.h"
#include "lib/store/subscriptions.h"

static void
tell(struct session *s, struct slice pattern, struct slice name, bool subscribed)
{
	if (!namespace_matches(s->dialect.utf8, pattern, name))
		return;
	output_format(&s->out, "* LSUB (%s) \".\" ", subscribed ? "" : "\\Noselect");
	namespace_write(&s->out, s->dialect.utf8, name);
	output_text(&s->out, "\r\n");
}

/* Levels above that are not subscribed: only where '%' hides what is beneath. */
static void
tell_levels(struct session *s, struct slice pattern, const struct folder_names *names, struct slice name, struct slice before)
{
	for (size_t i = 1; i < name.len; i++) {
		struct slice level = slice_first(name, i);
		if (name.data[i] == '.' && !names_is_beneath(before, level) && !names_has(names, level))
			tell(s, pattern, level, false);
	}
}

static void
tell_all(struct session *s, struct slice pattern, const struct folder_names *names)
{
	struct slice before = slice_of("");
	for (size_t i = 0; i < names->count; i++) {
		struct slice name = slice_of(names->names[i]);
		if (slice_ends(pattern, "%"))
			tell_levels(s, pattern, names, name, before);
		tell(s, pattern, name, true);
		before = name;
	}
}

struct answer
cmd_lsub(struct session *s, struct parser *p)
{
	struct slice reference, pattern;
	struct folder_names names = {.count = 0};
	if (!parse_space(p) || !parse_astring(p, &reference) || !parse_space(p) || !parse_list_mailbox(p, &pattern) || !parse_end(p))
		return answer_bad(p->error);
	if (pattern.len == 0) {
		output_text(&s->out, "* LSUB (\\Noselect) \".\" \"\"\r\n");
		return answer_ok("done");
	}
	if (!names_join_pattern(&s->scratch, reference, &pattern))
		return answer_no("LIMIT", "the pattern needs too much memory");
	bool ok = subscriptions_list(&s->maildir, &names) && namespace_outward(&names);
	if (ok)
		tell_all(s, pattern, &names);
	folders_free(&names);
	return ok ? answer_ok("done") : answer_errno("lsub");
}
