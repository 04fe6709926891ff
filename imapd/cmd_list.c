/* LIST: RFC 9051 section 6.3.9 (RFC 3501 section 6.3.8, RFC 5258); \HasChildren: RFC 3348; \Sent and the like: RFC 6154. */
#include "imapd/session.h"

#include <errno.h>

#include "imapd/metadata.h"
#include "imapd/names.h"
#include "imapd/namespace.h"
#include "imapd/parse_list.h"
#include "imapd/special_use.h"
#include "lib/store/subscriptions.h"

struct listing {
	struct session     *session;
	struct list_request request;
	struct folder_names folders;    /* as the client knows them, without INBOX */
	struct folder_names subscribed; /* where they matter */
	struct uses         uses;       /* what the user has made folders for */
	struct metadata     metadata;   /* where it is to be told */
	bool                failed;     /* STATUS of a folder */
};

/* --- which ------------------------------------------------------------------------------ */

static bool
matches(const struct listing *l, struct slice name)
{
	bool any = false;
	for (size_t i = 0; i < l->request.count && !any; i++)
		any = namespace_matches(l->session->dialect.utf8, l->request.patterns[i], name);
	return any;
}

static bool
exists(const struct listing *l, struct slice name)
{
	return folders_is_inbox(name) || names_has(&l->folders, name);
}

/* The attributes of a folder; how many. */
static size_t
uses_of(const struct listing *l, struct slice name, const char *list[SPECIAL_USES])
{
	return exists(l, name) ? special_use_list(&l->uses, namespace_inward(name), list) : 0;
}

static bool
is_selected(const struct listing *l, struct slice name)
{
	const struct list_request *r = &l->request;
	const char *uses[SPECIAL_USES];
	return (!r->select_subscribed || names_has(&l->subscribed, name)) && (!r->select_use || uses_of(l, name, uses) > 0);
}

/* RECURSIVEMATCH (RFC 5258 section 3.5): beneath it is one that is selected and of which no pattern will tell. */
static bool
hides_one(const struct listing *l, struct slice name)
{
	const struct folder_names *names = l->request.select_subscribed ? &l->subscribed : &l->folders;
	for (size_t i = names_beneath(names, name); i < names->count && l->request.recursive; i++) {
		struct slice below = slice_of(names->names[i]);
		if (!names_is_beneath(below, name))
			return false;
		if (is_selected(l, below) && !matches(l, below))
			return true;
	}
	return false;
}

/* --- what is told ------------------------------------------------------------------------- */

static void
write_attribute(struct output *out, bool is, const char *attribute, const char **separator)
{
	if (!is)
		return;
	output_text(out, *separator);
	output_text(out, attribute);
	*separator = " ";
}

static void
write_attributes(const struct listing *l, struct slice name)
{
	const struct list_request *r = &l->request;
	struct output *out = &l->session->out;
	const char *separator = "", *uses[SPECIAL_USES];
	bool there = exists(l, name), parent = names_beneath(&l->folders, name) < l->folders.count;
	write_attribute(out, !there, r->extended ? "\\NonExistent" : "\\Noselect", &separator);
	write_attribute(out, r->tell_subscribed && names_has(&l->subscribed, name), "\\Subscribed", &separator);
	write_attribute(out, r->tell_children, parent ? "\\HasChildren" : "\\HasNoChildren", &separator);
	size_t count = r->tell_use ? uses_of(l, name, uses) : 0;
	for (size_t i = 0; i < count; i++)
		write_attribute(out, true, uses[i], &separator);
}

static void
write_line(const struct listing *l, struct slice name, bool hides)
{
	struct output *out = &l->session->out;
	output_text(out, "* LIST (");
	write_attributes(l, name);
	output_text(out, ") \".\" ");
	namespace_write(out, l->session->dialect.utf8, name);
	if (hides) {
		const char *separator = "";
		output_text(out, " (\"CHILDINFO\" (");
		write_attribute(out, l->request.select_subscribed, "\"SUBSCRIBED\"", &separator);
		write_attribute(out, l->request.select_use, "\"SPECIAL-USE\"", &separator);
		output_text(out, "))");
	}
	output_text(out, "\r\n");
}

/* RFC 9590. */
static void
tell_metadata(struct listing *l, struct slice name)
{
	const struct metadata_request all = {.depth = METADATA_ITSELF, .names = l->request.metadata};
	struct metadata_subject subject;
	size_t longest = 0;
	if (metadata_find(l->session, name, false, &subject))
		metadata_tell(l->session, &l->metadata, &subject, &all, &longest);
	else
		l->failed = true;
}

/* A folder, or a level that is none. */
static void
tell(struct listing *l, struct slice name)
{
	if (!matches(l, name))
		return;
	bool selected = is_selected(l, name), hides = hides_one(l, name);
	if (!selected && !hides)
		return;
	write_line(l, name, hides);
	if (l->request.tell_status && selected && exists(l, name))
		l->failed = !status_tell(l->session, name, l->request.status) || l->failed;
	if (l->request.tell_metadata && selected && exists(l, name))
		tell_metadata(l, name);
}

/* Levels above a folder that are no folders themselves: Maildir++ need not have them. */
static void
tell_levels(struct listing *l, struct slice name, struct slice before)
{
	for (size_t i = 1; i < name.len; i++) {
		struct slice level = slice_first(name, i);
		bool told = names_is_beneath(before, level) || exists(l, level) ||
		    (l->request.select_subscribed && names_has(&l->subscribed, level));
		if (name.data[i] == '.' && !told)
			tell(l, level);
	}
}

/* The next of two lists in order, once when it is in both. */
static bool
next_name(const struct listing *l, size_t *folder, size_t *subscribed, struct slice *name)
{
	struct slice a = *folder < l->folders.count ? slice_of(l->folders.names[*folder]) : slice_make(NULL, 0);
	struct slice b = *subscribed < l->subscribed.count ? slice_of(l->subscribed.names[*subscribed]) : slice_make(NULL, 0);
	if (a.data == NULL && b.data == NULL)
		return false;
	int order = a.data == NULL ? 1 : b.data == NULL ? -1 : slice_compare(a, b);
	*folder += order <= 0;
	*subscribed += order >= 0;
	*name = order <= 0 ? a : b;
	return true;
}

static void
tell_all(struct listing *l)
{
	struct slice before = slice_of(""), name;
	size_t folder = 0, subscribed = 0;
	tell(l, slice_of("INBOX"));
	while (next_name(l, &folder, &subscribed, &name)) {
		/* Names that are subscribed and no folders are nobody's business but theirs who ask for subscriptions. */
		if (!l->request.select_subscribed && !names_has(&l->folders, name))
			continue;
		tell_levels(l, name, before);
		if (!folders_is_inbox(name))
			tell(l, name);
		before = name;
	}
}

static bool
read_names(struct listing *l)
{
	struct session *s = l->session;
	if (!folders_list(&s->maildir, &l->folders) || !namespace_outward(&l->folders) || !uses_read(&s->maildir, &l->uses))
		return false;
	if (l->request.tell_metadata && !metadata_read(&l->metadata, &s->maildir))
		return false;
	return !l->request.tell_subscribed || (subscriptions_list(&s->maildir, &l->subscribed) && namespace_outward(&l->subscribed));
}

static void
forget(struct listing *l)
{
	folders_free(&l->folders);
	folders_free(&l->subscribed);
	uses_free(&l->uses);
	metadata_free(&l->metadata);
}

bool
list_tell(struct session *s, struct slice name)
{
	struct listing l = {.session = s, .request = {.extended = true, .tell_children = true, .tell_use = true, .tell_subscribed = true}};
	name = folders_is_inbox(name) ? slice_of("INBOX") : namespace_name(&s->scratch, name);
	errno = ENOMEM;
	bool ok = name.data != NULL && read_names(&l);
	if (ok)
		write_line(&l, name, false);
	forget(&l);
	return ok;
}

/* Where each pattern lies, with the reference. RFC 9051 section 6.3.9: an empty one is nothing, unless it is alone. False without memory. */
static bool
join_patterns(struct session *s, struct list_request *r)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->count; i++) {
		if (r->patterns[i].len == 0)
			continue;
		r->patterns[kept] = r->patterns[i];
		if (!names_join_pattern(&s->scratch, r->reference, &r->patterns[kept++]))
			return false;
	}
	r->count = kept;
	return true;
}

struct answer
cmd_list(struct session *s, struct parser *p)
{
	struct listing l = {.session = s};
	struct list_request *r = &l.request;
	if (!parse_list(p, r))
		return answer_bad(p->error);
	/* An empty pattern asks for the separator. */
	if (!r->extended && r->patterns[0].len == 0) {
		output_text(&s->out, "* LIST (\\Noselect) \".\" \"\"\r\n");
		return answer_ok("done");
	}
	if (!join_patterns(s, r))
		return answer_no("LIMIT", "the patterns need too much memory");
	status_begin(s, &r->status);
	bool ok = read_names(&l);
	if (ok)
		tell_all(&l);
	int trouble = errno;
	forget(&l);
	errno = trouble;
	if (!ok)
		return answer_errno("list");
	/* RFC 9051 section 6.3.9.2: a STATUS that cannot be had is left out, and LIST is well all the same. */
	return answer_ok(l.failed ? "the status of some folders cannot be told now" : "done");
}
