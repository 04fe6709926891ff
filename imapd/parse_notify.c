/* NOTIFY's arguments: RFC 5465 section 8. */
#include "imapd/notify.h"

#include "imapd/namespace.h"

#define NO_MEMORY "the command needs too much memory"
#define BOTH      (NOTIFY_NEW | NOTIFY_EXPUNGE)
#define BESIDE    (NOTIFY_NAMES | NOTIFY_SUBSCRIPTIONS | NOTIFY_METADATA | NOTIFY_SERVER_METADATA)

static const struct {
	const char *name;
	unsigned    event;
} events[] = {
	{"MessageNew", NOTIFY_NEW}, {"MessageExpunge", NOTIFY_EXPUNGE}, {"FlagChange", NOTIFY_FLAGS},
	{"AnnotationChange", NOTIFY_ANNOTATIONS}, {"MailboxName", NOTIFY_NAMES}, {"SubscriptionChange", NOTIFY_SUBSCRIPTIONS},
	{"MailboxMetadataChange", NOTIFY_METADATA}, {"ServerMetadataChange", NOTIFY_SERVER_METADATA},
};

static const struct {
	const char        *name;
	enum notify_filter filter;
} filters[] = {
	{"SELECTED", NOTIFY_SELECTED}, {"SELECTED-DELAYED", NOTIFY_DELAYED}, {"INBOXES", NOTIFY_PERSONAL},
	{"PERSONAL", NOTIFY_PERSONAL}, {"SUBSCRIBED", NOTIFY_SUBSCRIBED}, {"SUBTREE", NOTIFY_SUBTREE}, {"MAILBOXES", NOTIFY_MAILBOXES},
};

static bool
is_selected(const struct notify_group *g)
{
	return g->filter == NOTIFY_SELECTED || g->filter == NOTIFY_DELAYED;
}

/* INBOX is the same in any case. */
static bool
parse_name(struct parser *p, struct notify_group *g)
{
	if (g->count == NOTIFY_NAMES_MOST)
		return parse_fail(p, "there are too many folders");
	struct slice *name = &g->names[g->count++];
	if (!namespace_take(p, name))
		return false;
	if (folders_is_inbox(*name))
		*name = slice_of("INBOX");
	return true;
}

static bool
parse_names(struct parser *p, struct notify_group *g)
{
	bool many = cursor_peek(&p->c) == '(';
	g->names = scratch_take_array(p->scratch, many ? NOTIFY_NAMES_MOST : 1, sizeof *g->names);
	if (g->names == NULL)
		return parse_fail(p, NO_MEMORY);
	if (!many)
		return parse_name(p, g);
	parse_maybe(p, '(');
	do {
		if (!parse_name(p, g))
			return false;
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')');
}

static bool
parse_filter(struct parser *p, struct notify_group *g)
{
	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
		if (!parse_word(p, filters[i].name))
			continue;
		g->filter = filters[i].filter;
		bool named = g->filter == NOTIFY_SUBTREE || g->filter == NOTIFY_MAILBOXES;
		return parse_space(p) && (!named || (parse_names(p, g) && parse_space(p)));
	}
	return parse_fail(p, "it is not known which folders are meant");
}

/* Events of an extension are taken for ones that we do not have: the answer to them is NO (section 3.1). */
static bool
parse_event(struct parser *p, struct notify_group *g, struct notify_request *r)
{
	struct slice name;
	if (!parse_atom(p, &name))
		return false;
	unsigned event = NOTIFY_OTHER;
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (slice_is_nocase(name, events[i].name))
			event = events[i].event;
	g->events |= event;
	struct cursor before = p->c;
	if (event != NOTIFY_NEW || !parse_maybe(p, ' ') || cursor_peek(&p->c) != '(') {
		p->c = before;
		return true;
	}
	if (!is_selected(g))
		return parse_fail(p, "what to fetch is for the selected folder");
	return parse_fetch_items(p, &r->items);
}

static bool
parse_events(struct parser *p, struct notify_group *g, struct notify_request *r)
{
	if (parse_word(p, "NONE"))
		return true;
	if (!parse_byte(p, '('))
		return false;
	do {
		if (!parse_event(p, g, r))
			return false;
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')');
}

/* Sections 5 and 6.1: what makes no sense without the other is BAD. */
static bool
is_sound(struct parser *p, const struct notify_group *g)
{
	unsigned both = g->events & BOTH;
	if (both != 0 && both != BOTH)
		return parse_fail(p, "MessageNew and MessageExpunge go together");
	if (g->events & (NOTIFY_FLAGS | NOTIFY_ANNOTATIONS) && both == 0)
		return parse_fail(p, "FlagChange needs MessageNew and MessageExpunge");
	if (is_selected(g) && g->events & BESIDE)
		return parse_fail(p, "of the selected folder only messages are told");
	return true;
}

static bool
parse_group(struct parser *p, struct notify_request *r)
{
	if (r->count == NOTIFY_GROUPS_MOST)
		return parse_fail(p, "there are too many groups");
	struct notify_group *g = &r->groups[r->count];
	*g = (struct notify_group){.count = 0};
	if (!parse_byte(p, '(') || !parse_filter(p, g) || !parse_events(p, g, r) || !parse_byte(p, ')') || !is_sound(p, g))
		return false;
	r->all |= g->events;
	if (!is_selected(g)) {
		r->count++;
		return true;
	}
	if (r->selected)
		return parse_fail(p, "the selected folder stands there twice");
	r->selected = true;
	r->delayed = g->filter == NOTIFY_DELAYED;
	r->selected_events = g->events;
	return true;
}

bool
parse_notify(struct parser *p, struct notify_request *r)
{
	*r = (struct notify_request){.count = 0};
	if (!parse_space(p))
		return false;
	if (parse_word(p, "NONE")) {
		r->none = true;
		return parse_end(p);
	}
	r->groups = scratch_take_array(p->scratch, NOTIFY_GROUPS_MOST, sizeof *r->groups);
	if (r->groups == NULL)
		return parse_fail(p, NO_MEMORY);
	if (!(parse_word(p, "SET") || parse_fail(p, "SET or NONE is missing")) || !parse_space(p))
		return false;
	r->status = parse_word(p, "STATUS");
	if (r->status && !parse_space(p))
		return false;
	do {
		if (!parse_group(p, r))
			return false;
	} while (parse_maybe(p, ' '));
	return parse_end(p);
}
