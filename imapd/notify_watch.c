/* Which folders NOTIFY means, and inotify's watches on them. */
#include "imapd/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "imapd/names.h"
#include "imapd/namespace.h"
#include "lib/store/subscriptions.h"

#define FOLDER_EVENTS (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)
#define ROOT_EVENTS   (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_ONLYDIR)
#define PATH_ROOM     (FOLDER_NAME_MOST + 8)

bool
notify_same(struct slice a, struct slice b)
{
	return slice_equal(a, b) || (folders_is_inbox(a) && folders_is_inbox(b));
}

/* --- which folders ---------------------------------------------------------------------- */

static bool
is_named(const struct notify_group *g, struct slice name, bool beneath)
{
	bool named = false;
	for (size_t i = 0; i < g->count && !named; i++)
		named = slice_equal(g->names[i], name) || (beneath && names_is_beneath(name, g->names[i]));
	return named;
}

static bool
is_meant(const struct notify *n, const struct notify_group *g, struct slice name)
{
	switch (g->filter) {
	case NOTIFY_PERSONAL:
		return true;
	case NOTIFY_SUBSCRIBED:
		return names_has(&n->subscribed, name);
	case NOTIFY_SUBTREE:
	case NOTIFY_MAILBOXES:
		return is_named(g, name, g->filter == NOTIFY_SUBTREE);
	default:
		return false;
	}
}

/* A folder may be in several groups; then all their events count for it (section 6). */
unsigned
notify_events_of(const struct notify *n, struct slice name)
{
	unsigned events = 0;
	for (size_t i = 0; i < n->request.count; i++)
		if (is_meant(n, &n->request.groups[i], name))
			events |= n->request.groups[i].events;
	return events;
}

bool
notify_wants_metadata(const struct notify *n, struct slice mailbox)
{
	if (mailbox.len == 0)
		return n->request.all & NOTIFY_SERVER_METADATA;
	return n->request.all & NOTIFY_METADATA && notify_events_of(n, mailbox) & NOTIFY_METADATA;
}

/* --- watches ------------------------------------------------------------------------------ */

/* From the Maildir, which is the working directory; `name` is the store's. -1 with errno. */
static int
watch_part(struct notify *n, struct slice name, const char *part)
{
	char path[PATH_ROOM];
	bool inbox = folders_is_inbox(name);
	int len = inbox ? snprintf(path, sizeof path, "%s", part)
	                : snprintf(path, sizeof path, ".%.*s/%s", (int)name.len, name.data, part);
	errno = ENAMETOOLONG;
	return len > 0 && (size_t)len < sizeof path ? inotify_add_watch(n->descriptor, path, FOLDER_EVENTS) : -1;
}

static bool
watch_both(struct notify *n, struct slice name, int watches[2])
{
	watches[0] = watch_part(n, name, "cur");
	int trouble = errno;
	watches[1] = watch_part(n, name, "new");
	if (watches[1] >= 0)
		errno = trouble;
	return watches[0] >= 0 && watches[1] >= 0;
}

bool
notify_has_watch(const int watches[2], int watch)
{
	return watch >= 0 && (watches[0] == watch || watches[1] == watch);
}

/* One directory has one watch, whoever wants it. */
static bool
is_shared(const struct notify *n, const int *watches, int watch)
{
	bool shared = watches != n->selected_watches && notify_has_watch(n->selected_watches, watch);
	for (size_t i = 0; i < n->count && !shared; i++)
		shared = watches != n->folders[i].watches && notify_has_watch(n->folders[i].watches, watch);
	return shared;
}

static void
unwatch(struct notify *n, int watches[2])
{
	for (int i = 0; i < 2; i++) {
		if (watches[i] >= 0 && !is_shared(n, watches, watches[i]))
			inotify_rm_watch(n->descriptor, watches[i]);
		watches[i] = -1;
	}
}

bool
notify_watch_begin(struct notify *n)
{
	n->descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	n->root = n->descriptor >= 0 ? inotify_add_watch(n->descriptor, ".", ROOT_EVENTS) : -1;
	return n->root >= 0;
}

/* --- the list of folders ------------------------------------------------------------------- */

static struct notify_folder *
find_folder(struct notify *n, struct slice name)
{
	for (size_t i = 0; i < n->count; i++)
		if (slice_equal(slice_of(n->folders[i].name), name))
			return &n->folders[i];
	return NULL;
}

static bool
make_room(struct notify *n)
{
	size_t room = n->room == 0 ? 16 : n->room * 2;
	errno = E2BIG;
	if (n->count == NOTIFY_FOLDERS_MOST)
		return false;
	if (n->count < n->room)
		return true;
	struct notify_folder *larger = reallocarray(n->folders, room, sizeof *larger);
	if (larger == NULL)
		return false;
	n->folders = larger;
	n->room = room;
	return true;
}

static struct notify_folder *
add_folder(struct notify *n, struct slice name)
{
	char *copy = make_room(n) ? strndup(name.data, name.len) : NULL;
	if (copy == NULL)
		return NULL;
	struct notify_folder *f = &n->folders[n->count++];
	*f = (struct notify_folder){.name = copy, .watches = {-1, -1}};
	return f;
}

/* Watched first, then looked at: what happens between is seen twice rather than never. */
static bool
begin_folder(struct session *s, struct notify *n, struct notify_folder *f)
{
	struct slice name = namespace_inward(slice_of(f->name));
	f->told = notify_status(s, f->events);
	bool watched = watch_both(n, name, f->watches);
	if (!watched && errno != ENOENT)
		return false;
	/* One that has come since NOTIFY is told of with all that it has. */
	bool looked = s->notify != n && status_look(s, slice_of(f->name), &f->told);
	/* The look has made what a folder must have, had it been missing; else the one that is due does. */
	n->relist = n->relist || (!watched && !looked);
	if (!watched && looked && !watch_both(n, name, f->watches) && errno != ENOENT)
		return false;
	f->dirty = !looked;
	return true;
}

/* False with errno. */
static bool
want_folder(struct session *s, struct notify *n, struct slice name)
{
	unsigned events = notify_events_of(n, name);
	if (!(events & NOTIFY_MESSAGES))
		return true;
	struct notify_folder *f = find_folder(n, name);
	bool is_new = f == NULL;
	if (is_new && (f = add_folder(n, name)) == NULL)
		return false;
	f->wanted = true;
	f->events = events;
	if (is_new)
		return begin_folder(s, n, f);
	/* One of the same name may have taken its place. */
	return watch_both(n, namespace_inward(name), f->watches) || errno == ENOENT;
}

static void
drop_unwanted(struct notify *n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n->count; i++) {
		struct notify_folder *f = &n->folders[i];
		if (f->wanted) {
			n->folders[kept++] = *f;
			continue;
		}
		unwatch(n, f->watches);
		free(f->name);
	}
	n->count = kept;
}

static bool
exists(const struct notify *n, struct slice name)
{
	return folders_is_inbox(name) || names_has(&n->names, name);
}

/* Those that are gone go first: the directory of one that was renamed keeps its watch only if it is asked for anew. */
bool
notify_watch_folders(struct session *s, struct notify *n)
{
	folders_free(&n->names);
	folders_free(&n->subscribed);
	if (!folders_list(&s->maildir, &n->names) || !namespace_outward(&n->names) ||
	    !subscriptions_list(&s->maildir, &n->subscribed) || !namespace_outward(&n->subscribed))
		return false;
	for (size_t i = 0; i < n->count; i++) {
		struct slice name = slice_of(n->folders[i].name);
		n->folders[i].wanted = exists(n, name) && notify_events_of(n, name) & NOTIFY_MESSAGES;
	}
	drop_unwanted(n);
	if (!want_folder(s, n, slice_of("INBOX")))
		return false;
	for (size_t i = 0; i < n->names.count; i++)
		if (!want_folder(s, n, slice_of(n->names.names[i])))
			return false;
	return true;
}

/* --- the selected folder -------------------------------------------------------------------- */

/* What has happened to a folder while it was selected the client knows, or did not want to. */
static void
let_go(struct notify *n)
{
	for (size_t i = 0; i < n->count; i++) {
		struct notify_folder *f = &n->folders[i];
		if (notify_same(namespace_inward(slice_of(f->name)), slice_of(n->selected)))
			f->silent = f->dirty = true;
	}
	unwatch(n, n->selected_watches);
	n->selected[0] = '\0';
}

void
notify_watch_selected(struct session *s)
{
	struct notify *n = s->notify;
	const char *name = s->view.open ? s->view.name : "";
	if (strcmp(n->selected, name) == 0)
		return;
	let_go(n);
	snprintf(n->selected, sizeof n->selected, "%s", name);
	if (s->view.open && n->request.selected_events != 0)
		watch_both(n, slice_of(name), n->selected_watches);
	n->selected_dirty = s->view.open;
}

void
notify_free(struct notify *n)
{
	if (n == NULL)
		return;
	if (n->descriptor >= 0)
		close(n->descriptor);
	for (size_t i = 0; i < n->count; i++)
		free(n->folders[i].name);
	free(n->folders);
	folders_free(&n->names);
	folders_free(&n->subscribed);
	notify_forget_renames(n);
	notify_forget_own(n);
	scratch_clear(&n->memory);
	free(n);
}
