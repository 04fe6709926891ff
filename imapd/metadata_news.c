/* What other sessions change in annotations, told to those who have enabled METADATA (RFC 5464 section 4.4.2) or
 * ask for them with NOTIFY (RFC 5465 sections 5.6, 5.7). */
#include "imapd/metadata.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "imapd/namespace.h"
#include "imapd/notify.h"
#include "lib/mail/imap_reply.h"

struct metadata_watch {
	struct metadata known; /* what the client was told of, or has set */
	struct stat     stamp; /* of the file that it was read from; all zero: look */
};

/* Which file it is now; all zero where there is none. */
static struct stat
stamp_now(const struct session *s)
{
	struct stat st;
	if (fstatat(s->maildir.root, METADATA_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return (struct stat){.st_ino = 0};
	return st;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool
metadata_watch_begin(struct session *s)
{
	if (s->watched_metadata != NULL)
		return true;
	struct metadata_watch *w = calloc(1, sizeof *w);
	if (w == NULL)
		return false;
	w->stamp = stamp_now(s);
	if (!metadata_read(&w->known, &s->maildir)) {
		free(w);
		return false;
	}
	s->watched_metadata = w;
	return true;
}

/* --- what is different ------------------------------------------------------------------- */

struct news {
	struct session       *session;
	struct folder_names   folders; /* listed when one is looked for */
	struct guid          *guids;   /* of each; NULL: they could not be learned */
	bool                  listed;
	bool                  begun;   /* a response for `owner` */
	bool                  unknown; /* it is no folder's that there is, or none that the client wants to hear of */
	struct metadata_owner owner;
};

static bool
is_guid_of(struct session *s, const char *folder, struct slice guid)
{
	struct guid own;
	return folders_guid(&s->maildir, slice_of(folder), false, &own) && slice_is(guid, own.text);
}

/* Each folder is looked at once, however many GUIDs somebody has written into the file. */
static void
list_guids(struct news *n)
{
	struct session *s = n->session;
	n->listed = true;
	if (!folders_list(&s->maildir, &n->folders) || !namespace_outward(&n->folders) || n->folders.count == 0)
		return;
	n->guids = calloc(n->folders.count, sizeof *n->guids);
	for (size_t i = 0; i < n->folders.count && n->guids != NULL; i++)
		if (!folders_guid(&s->maildir, namespace_inward(slice_of(n->folders.names[i])), false, &n->guids[i]))
			n->guids[i].text[0] = '\0';
}

/* As the client names it; data NULL: a folder that is gone. */
static struct slice
find_folder(struct news *n, struct slice guid)
{
	if (is_guid_of(n->session, "INBOX", guid))
		return slice_of("INBOX");
	if (!n->listed)
		list_guids(n);
	for (size_t i = 0; i < n->folders.count && n->guids != NULL; i++)
		if (slice_is(guid, n->guids[i].text))
			return slice_of(n->folders.names[i]);
	return slice_make(NULL, 0);
}

static void
end_response(struct news *n)
{
	if (n->begun)
		output_text(&n->session->out, "\r\n");
	n->begun = false;
}

static bool
is_wanted(const struct session *s, struct slice mailbox)
{
	return s->dialect.metadata || (s->notify != NULL && notify_wants_metadata(s->notify, mailbox));
}

static void
begin_response(struct news *n, struct metadata_owner owner)
{
	end_response(n);
	struct slice name = owner.account ? slice_of("") : find_folder(n, owner.guid);
	n->owner = owner;
	n->unknown = name.data == NULL || !is_wanted(n->session, name);
	n->begun = !n->unknown;
	if (n->unknown)
		return;
	output_text(&n->session->out, "* METADATA ");
	namespace_write(&n->session->out, n->session->dialect.utf8, name);
}

static void
tell(struct news *n, const struct metadata_entry *e)
{
	bool same = (n->begun || n->unknown) && slice_equal(n->owner.guid, e->owner.guid) && n->owner.account == e->owner.account;
	if (!same)
		begin_response(n, e->owner);
	if (n->unknown)
		return;
	struct str name = STR_MOST(METADATA_ENTRY_MOST + 16);
	str_append_text(&name, e->shared ? "/shared/" : "/private/");
	str_append_slice(&name, e->name);
	output_text(&n->session->out, " ");
	reply_string(&n->session->out, str_slice(&name));
	str_free(&name);
}

/* Both are in order: what stands in one alone, or with another value. */
static void
tell_difference(struct session *s, const struct metadata *old, const struct metadata *new)
{
	struct news n = {.session = s};
	size_t a = 0, b = 0;
	while (a < old->count || b < new->count) {
		int order = a == old->count ? 1 : b == new->count ? -1 : metadata_compare(&old->entries[a], &new->entries[b]);
		if (order != 0 || !slice_equal(old->entries[a].value, new->entries[b].value))
			tell(&n, order <= 0 ? &old->entries[a] : &new->entries[b]);
		a += order <= 0;
		b += order >= 0;
	}
	end_response(&n);
	folders_free(&n.folders);
	free(n.guids);
}

/* --- when ---------------------------------------------------------------------------------- */

void
metadata_tell_news(struct session *s)
{
	struct metadata_watch *w = s->watched_metadata;
	struct metadata now;
	if (w == NULL)
		return;
	struct stat stamp = stamp_now(s);
	if (is_same(&stamp, &w->stamp) || !metadata_read(&now, &s->maildir))
		return;
	tell_difference(s, &w->known, &now);
	metadata_free(&w->known);
	w->known = now;
	w->stamp = stamp;
}

void
metadata_own_change(struct session *s, struct metadata *before, struct metadata *after)
{
	struct metadata_watch *w = s->watched_metadata;
	if (w != NULL) {
		tell_difference(s, &w->known, before);
		metadata_free(&w->known);
		w->known = *after;
		w->stamp = (struct stat){.st_ino = 0};
		*after = (struct metadata){.count = 0};
	}
	metadata_free(before);
	metadata_free(after);
}
