/* What inotify says to NOTIFY: where to look, and which folders changed their names. */
#include "imapd/notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/base/clock.h"

void
notify_forget_renames(struct notify *n)
{
	for (size_t i = 0; i < n->renamed; i++) {
		free(n->renames[i].from);
		free(n->renames[i].to);
	}
	n->renamed = 0;
}

/* The two halves come one after the other. Of no more than are remembered, so that endless renames do not put off the look at them. */
static void
note_rename(struct notify *n, const struct inotify_event *e)
{
	if (e->mask & IN_MOVED_FROM && n->renamed < NOTIFY_RENAMES_MOST)
		n->renames[n->renamed++] = (struct notify_rename){.cookie = e->cookie, .from = strdup(e->name + 1)};
	for (size_t i = 0; e->mask & IN_MOVED_TO && i < n->renamed; i++)
		if (n->renames[i].cookie == e->cookie && n->renames[i].to == NULL) {
			n->renames[i].to = strdup(e->name + 1);
			n->settled = clock_ms() + NOTIFY_SETTLED;
		}
}

static void
take_root_event(struct notify *n, const struct inotify_event *e)
{
	bool folder = e->name[0] == '.' && e->name[1] != '\0' && e->mask & IN_ISDIR;
	if (folder)
		note_rename(n, e);
	if (folder || strcmp(e->name, "subscriptions") == 0)
		n->relist = true;
}

/* Its directory is gone, and its watch with it. */
static void
lose_watch(struct notify *n, int watches[2], int watch)
{
	for (int i = 0; i < 2; i++)
		if (watches[i] == watch) {
			watches[i] = -1;
			n->relist = true;
		}
}

static void
take_folder_event(struct notify *n, const struct inotify_event *e)
{
	n->selected_dirty = n->selected_dirty || notify_has_watch(n->selected_watches, e->wd);
	for (size_t i = 0; i < n->count; i++)
		if (notify_has_watch(n->folders[i].watches, e->wd)) {
			n->folders[i].dirty = true;
			if (e->mask & IN_IGNORED)
				lose_watch(n, n->folders[i].watches, e->wd);
		}
	if (e->mask & IN_IGNORED)
		lose_watch(n, n->selected_watches, e->wd);
}

/* So much has happened that inotify has lost some of it. */
static void
doubt_all(struct notify *n)
{
	n->relist = n->selected_dirty = true;
	for (size_t i = 0; i < n->count; i++)
		n->folders[i].dirty = true;
}

static void
take_event(struct notify *n, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		doubt_all(n);
	else if (e->len > 0 && e->wd == n->root)
		take_root_event(n, e);
	else
		take_folder_event(n, e);
}

void
notify_read_events(struct notify *n)
{
	_Alignas(struct inotify_event) char buffer[8192];
	for (ssize_t len; (len = read(n->descriptor, buffer, sizeof buffer)) > 0;) {
		const struct inotify_event *e;
		for (char *at = buffer; at < buffer + len; at += sizeof *e + e->len) {
			e = (const struct inotify_event *)(const void *)at;
			take_event(n, e);
		}
	}
}
