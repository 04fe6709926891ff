/* LIST and LSUB: RFC 3501 sections 6.3.8, 6.3.9; \HasChildren: RFC 3348; \Sent and the like: RFC 6154. */
#include "imapd/session.h"

#include <errno.h>
#include <string.h>

#include "imapd/namespace.h"
#include "imapd/pattern.h"
#include "imapd/special_use.h"
#include "lib/mail/imap_reply.h"
#include "lib/store/folders.h"
#include "lib/store/subscriptions.h"

struct listing {
	struct session     *session;
	const char         *verb;    /* "LIST" or "LSUB" */
	struct slice        pattern;
	struct folder_names names;   /* as the client knows them, sorted */
	bool                subscribed;
};

/* The index of the first name that is not less. */
static size_t
lower_bound(const struct folder_names *names, struct slice name)
{
	size_t low = 0, high = names->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct slice m = slice_of(names->names[middle]);
		size_t common = m.len < name.len ? m.len : name.len;
		int order = memcmp(m.data, name.data, common);
		if (order < 0 || (order == 0 && m.len < name.len))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_listed(const struct folder_names *names, struct slice name)
{
	size_t at = lower_bound(names, name);
	return at < names->count && slice_equal(slice_of(names->names[at]), name);
}

static bool
starts_with_level(struct slice name, struct slice level)
{
	return name.len > level.len && name.data[level.len] == '.' && slice_equal(slice_first(name, level.len), level);
}

static bool
has_children(const struct folder_names *names, struct slice name)
{
	char level[NAMESPACE_NAME_MOST + 2];
	if (name.len > NAMESPACE_NAME_MOST)
		return false;
	memcpy(level, name.data, name.len);
	level[name.len] = '.';
	size_t at = lower_bound(names, slice_make(level, name.len + 1));
	return at < names->count && starts_with_level(slice_of(names->names[at]), name);
}

/* The name as the client knows it. */
static void
tell_attributes(const struct listing *l, struct slice name, bool exists)
{
	struct output *out = &l->session->out;
	const char *use = exists && !l->subscribed ? special_use_of(namespace_inward(name)) : NULL;
	output_text(out, exists ? "" : "\\Noselect");
	if (!l->subscribed)
		output_format(out, "%s%s", exists ? "" : " ", has_children(&l->names, name) ? "\\HasChildren" : "\\HasNoChildren");
	if (use != NULL)
		output_format(out, " %s", use);
}

static void
tell(const struct listing *l, struct slice name, bool exists)
{
	struct output *out = &l->session->out;
	if (!pattern_matches(l->pattern, name))
		return;
	output_format(out, "* %s (", l->verb);
	tell_attributes(l, name, exists);
	output_text(out, ") \".\" ");
	reply_astring(out, name);
	output_text(out, "\r\n");
}

/* Levels above a folder that are no folders themselves: Maildir++ need not have them. */
static void
tell_missing_parents(const struct listing *l, struct slice name, struct slice before)
{
	/* LSUB tells of them only where '%' hides what is beneath. */
	if (l->subscribed && !slice_ends(l->pattern, "%"))
		return;
	for (size_t i = 1; i < name.len; i++) {
		struct slice level = slice_first(name, i);
		if (name.data[i] != '.' || starts_with_level(before, level) || is_listed(&l->names, level))
			continue;
		/* INBOX is always there and was told of, though no directory beneath the Maildir bears its name. */
		if (!l->subscribed && folders_is_inbox(level))
			continue;
		tell(l, level, false);
	}
}

static void
tell_all(const struct listing *l)
{
	struct slice before = slice_of("");
	if (!l->subscribed)
		tell(l, slice_of("INBOX"), true);
	for (size_t i = 0; i < l->names.count; i++) {
		struct slice name = slice_of(l->names.names[i]);
		tell_missing_parents(l, name, before);
		tell(l, name, true);
		before = name;
	}
}

/* The reference and the pattern are put together as one. */
static bool
join_pattern(struct session *s, struct slice reference, struct slice *pattern)
{
	struct slice own = *pattern;
	if (reference.len == 0)
		return true;
	char *joined = scratch_take(&s->scratch, reference.len + own.len + 1);
	if (joined == NULL)
		return false;
	memcpy(joined, reference.data, reference.len);
	memcpy(joined + reference.len, own.data, own.len);
	*pattern = slice_make(joined, reference.len + own.len);
	return true;
}

static struct answer
list(struct session *s, struct parser *p, bool subscribed)
{
	struct listing l = {.session = s, .verb = subscribed ? "LSUB" : "LIST", .subscribed = subscribed};
	struct slice reference;
	if (!parse_space(p) || !parse_astring(p, &reference) || !parse_space(p) ||
	    !parse_list_mailbox(p, &l.pattern) || !parse_end(p))
		return answer_bad(p->error);
	/* An empty pattern asks for the separator. */
	if (l.pattern.len == 0) {
		output_format(&s->out, "* %s (\\Noselect) \".\" \"\"\r\n", l.verb);
		return answer_ok("done");
	}
	if (!join_pattern(s, reference, &l.pattern) || !namespace_pattern(&s->scratch, &l.pattern) || l.pattern.len > PATTERN_MOST)
		return answer_no("LIMIT", "the pattern is too long");
	bool ok = subscribed ? subscriptions_list(&s->maildir, &l.names) : folders_list(&s->maildir, &l.names);
	ok = ok && namespace_outward(&l.names);
	if (ok)
		tell_all(&l);
	folders_free(&l.names);
	return ok ? answer_ok("done") : answer_errno("list");
}

struct answer
cmd_list(struct session *s, struct parser *p)
{
	return list(s, p, false);
}

struct answer
cmd_lsub(struct session *s, struct parser *p)
{
	return list(s, p, true);
}
