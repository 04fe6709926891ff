/* What NOTIFY tells of names and subscriptions: LIST (RFC 5465 sections 5.4 and 5.5). */
#include "imapd/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/names.h"
#include "imapd/namespace.h"
#include "imapd/special_use.h"

/* What was, and what is. */
struct difference {
	struct session            *session;
	const struct folder_names *before, *now;
	unsigned                   event;
	struct uses                uses;
	struct slice               parent; /* that was told last */
};

/* --- what this session did itself, which it need not be told (section 5) ---------------------- */

void
notify_forget_own(struct notify *n)
{
	for (size_t i = 0; i < n->owned; i++)
		free(n->own[i].name);
	n->owned = 0;
}

void
notify_own_change(struct session *s, struct slice name, bool beneath)
{
	struct notify *n = s->notify;
	if (n == NULL)
		return;
	/* Looked at soon, so that nothing that others do later is taken for this. */
	n->relist = n->at_once = true;
	char *copy = n->owned < NOTIFY_OWN_MOST ? strndup(name.data, name.len) : NULL;
	if (copy != NULL)
		n->own[n->owned++] = (struct notify_own){.name = copy, .beneath = beneath};
}

static bool
is_own(const struct notify *n, struct slice inward)
{
	bool own = false;
	for (size_t i = 0; i < n->owned && !own; i++) {
		struct slice name = slice_of(n->own[i].name);
		own = notify_same(inward, name) || (n->own[i].beneath && names_is_beneath(inward, name));
	}
	return own;
}

/* --- renames ------------------------------------------------------------------------------------ */

/* Both halves of it came, and are names of folders. */
static bool
is_whole(const struct notify_rename *r)
{
	return r->from != NULL && r->to != NULL && folders_name_ok(slice_of(r->from)) && folders_name_ok(slice_of(r->to));
}

/* By the store's new name; NULL: it was not renamed. */
static const struct notify_rename *
find_rename(const struct notify *n, struct slice to)
{
	for (size_t i = 0; i < n->renamed; i++)
		if (is_whole(&n->renames[i]) && slice_equal(slice_of(n->renames[i].to), to))
			return &n->renames[i];
	return NULL;
}

/* A folder that has another name now is told of under that alone. */
static bool
was_renamed(const struct notify *n, struct slice from)
{
	bool renamed = false;
	for (size_t i = 0; i < n->renamed && !renamed; i++)
		renamed = is_whole(&n->renames[i]) && slice_equal(slice_of(n->renames[i].from), from);
	return renamed;
}

/* The name as the client knows it, in scratch memory; NULL without memory. */
static const char *
outward(struct session *s, const char *name)
{
	size_t prefix = strlen(namespace_prefix()), len = strlen(name);
	char *longer = scratch_take(&s->scratch, prefix + len + 1);
	if (longer == NULL)
		return NULL;
	memcpy(longer, namespace_prefix(), prefix);
	memcpy(longer + prefix, name, len + 1);
	return longer;
}

/* Of those beneath a folder that was renamed nothing more is told than of itself, if that is told (section 5.4). */
static bool
came_along(struct session *s, const struct notify_rename *r)
{
	const struct notify *n = s->notify;
	bool came = false;
	for (size_t i = 0; i < n->renamed && !came; i++) {
		const struct notify_rename *above = &n->renames[i];
		if (!is_whole(above) || !names_is_beneath(slice_of(r->to), slice_of(above->to)) || !names_is_beneath(slice_of(r->from), slice_of(above->from)))
			continue;
		const char *name = strcmp(r->to + strlen(above->to), r->from + strlen(above->from)) == 0 ? outward(s, above->to) : NULL;
		came = name != NULL && notify_events_of(n, slice_of(name)) & NOTIFY_NAMES;
	}
	return came;
}

/* --- telling ------------------------------------------------------------------------------------ */

static void
tell_name(struct difference *d, struct slice name, const char *old)
{
	struct session *s = d->session;
	const struct notify *n = s->notify;
	struct output *out = &s->out;
	const char *uses[SPECIAL_USES];
	bool there = folders_is_inbox(name) || names_has(&n->names, name);
	bool parent = names_beneath(&n->names, name) < n->names.count;
	output_text(out, there ? "* LIST (" : "* LIST (\\NonExistent ");
	output_text(out, parent ? "\\HasChildren" : "\\HasNoChildren");
	output_text(out, names_has(&n->subscribed, name) ? " \\Subscribed" : "");
	size_t count = there ? special_use_list(&d->uses, namespace_inward(name), uses) : 0;
	for (size_t i = 0; i < count; i++)
		output_format(out, " %s", uses[i]);
	output_text(out, ") \".\" ");
	namespace_write(out, s->dialect.utf8, name);
	if (old != NULL) {
		output_text(out, " (\"OLDNAME\" (");
		namespace_write(out, s->dialect.utf8, slice_of(old));
		output_text(out, "))");
	}
	output_text(out, "\r\n");
}

/* The level above a folder that has come or gone is told too, whether it is one or not; once, and not where it has come or gone itself. */
static void
tell_parent(struct difference *d, struct slice name)
{
	struct slice parent = slice_first(name, slice_find_last(name, '.'));
	if (parent.len == name.len || slice_equal(parent, d->parent) || names_has(d->before, parent) != names_has(d->now, parent))
		return;
	d->parent = parent;
	if (notify_events_of(d->session->notify, parent) & NOTIFY_NAMES)
		tell_name(d, parent, NULL);
}

static void
tell_change_of_name(struct difference *d, struct slice name, bool has_come)
{
	struct session *s = d->session;
	const struct notify *n = s->notify;
	struct slice inward = namespace_inward(name);
	const struct notify_rename *r = has_come ? find_rename(n, inward) : NULL;
	if (is_own(n, inward) || (!has_come && was_renamed(n, inward)) || (r != NULL && came_along(s, r)))
		return;
	if (notify_events_of(n, name) & NOTIFY_NAMES)
		tell_name(d, name, r != NULL ? outward(s, r->from) : NULL);
	if (r == NULL)
		tell_parent(d, name);
}

/* It is subscribed now or was so before: either way it is one of SUBSCRIBED (section 6.4). */
static void
tell_change_of_subscription(struct difference *d, struct slice name)
{
	const struct notify *n = d->session->notify;
	unsigned events = notify_events_of(n, name);
	for (size_t i = 0; i < n->request.count; i++)
		if (n->request.groups[i].filter == NOTIFY_SUBSCRIBED)
			events |= n->request.groups[i].events;
	if (events & NOTIFY_SUBSCRIPTIONS && !is_own(n, namespace_inward(name)))
		tell_name(d, name, NULL);
}

/* Those that are in one of the two lists alone. */
static void
tell_differences(struct difference *d)
{
	size_t a = 0, b = 0;
	while (a < d->before->count || b < d->now->count) {
		int order = a == d->before->count ? 1 : b == d->now->count ? -1 : strcmp(d->before->names[a], d->now->names[b]);
		struct slice name = slice_of(order <= 0 ? d->before->names[a] : d->now->names[b]);
		if (order != 0 && d->event == NOTIFY_NAMES)
			tell_change_of_name(d, name, order > 0);
		else if (order != 0)
			tell_change_of_subscription(d, name);
		a += order <= 0;
		b += order >= 0;
	}
}

static void
tell_all(struct session *s, const struct folder_names *names, const struct folder_names *subscribed)
{
	struct notify *n = s->notify;
	struct difference d = {.session = s, .before = names, .now = &n->names, .event = NOTIFY_NAMES};
	/* Where it cannot be read now, folders are without. */
	uses_read(&s->maildir, &d.uses);
	tell_differences(&d);
	d.before = subscribed;
	d.now = &n->subscribed;
	d.event = NOTIFY_SUBSCRIPTIONS;
	tell_differences(&d);
	uses_free(&d.uses);
	notify_forget_renames(n);
	notify_forget_own(n);
}

bool
notify_tell_names(struct session *s)
{
	struct notify *n = s->notify;
	struct folder_names names = n->names, subscribed = n->subscribed;
	n->relist = n->at_once = false;
	n->names = n->subscribed = (struct folder_names){.count = 0};
	bool ok = notify_watch_folders(s, n);
	if (ok)
		tell_all(s, &names, &subscribed);
	int saved = errno;
	folders_free(&names);
	folders_free(&subscribed);
	errno = saved;
	return ok;
}
