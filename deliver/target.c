#include "deliver/target.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/store/folders.h"
#include "lib/store/new_maildir.h"
#include "lib/store/utf7.h"

#define FOLDERS_MADE_MOST 1000 /* in one Maildir, by mail: strangers choose the names */

/* --- the folder ----------------------------------------------------------------------- */

/* False with errno: ENOENT, there is no room for the folder, so it will not be there. */
static bool
has_room_for_folders(const struct maildir *m)
{
	struct folder_names names;
	if (!folders_list(m, &names))
		return false;
	bool room = names.count < FOLDERS_MADE_MOST;
	folders_free(&names);
	errno = ENOENT;
	return room;
}

/* No such folder, or none that could be: mail for it goes to INBOX. All else is trouble. */
static bool
is_absent(int error)
{
	return error == ENOENT || error == EINVAL || error == ELOOP || error == ENOTDIR;
}

static bool
open_named(const struct rules *rules, struct under_way *u, struct slice name)
{
	if (folder_open(&u->folder, &u->maildir, name, true))
		return true;
	if (errno != ENOENT || rules->extension_folders != EXTENSION_CREATE || !folders_name_ok(name) || !has_room_for_folders(&u->maildir))
		return false;
	return new_maildir_folder(&u->maildir, name) && folder_open(&u->folder, &u->maildir, name, true);
}

/* What the address or the command line says, as a folder's name; empty: INBOX. */
static void
wanted_folder(const struct rules *rules, const struct mailbox *mailbox, const struct under_way *u, struct str *name)
{
	struct slice wanted = slice_of(u->what.folder);
	if (u->what.folder == NULL && rules->extension_folders != EXTENSION_NO)
		wanted = slice_of(mailbox->extension);
	if (!utf7_from_utf8(name, wanted))
		str_clear(name);
}

static bool
open_folder(const struct rules *rules, const struct mailbox *mailbox, struct under_way *u)
{
	struct str name = STR_MOST(FOLDER_NAME_MOST);
	wanted_folder(rules, mailbox, u, &name);
	bool named = name.len > 0 && !folders_is_inbox(str_slice(&name));
	bool ok = named && open_named(rules, u, str_slice(&name));
	if (named && !ok)
		log_info("folder-absent", log_text("to", u->what.address), log_slice("folder", str_slice(&name)), log_errno());
	u->in[0] = '\0';
	if (ok)
		snprintf(u->in, sizeof u->in, ".%s/", str_text(&name));
	if (!ok && (!named || is_absent(errno)))
		ok = folder_open(&u->folder, &u->maildir, slice_of("INBOX"), true);
	str_free(&name);
	return ok;
}

/* --- what was found must be durable as well (maildir.h) ------------------------------- */

static bool
is_known(const struct deliverer *d, const struct stat *st)
{
	for (size_t i = 0; i < d->way_count && i < WAYS_KNOWN; i++)
		if (d->ways[i].inode == st->st_ino && d->ways[i].device == st->st_dev)
			return true;
	return false;
}

static bool
sync_way(struct deliverer *d, const struct under_way *u)
{
	struct stat st;
	if (!maildir_is_young(u->folder.fresh))
		return true;
	if (fstat(u->folder.fresh, &st) < 0)
		return false;
	if (is_known(d, &st))
		return true;
	if (!maildir_sync_way(&u->maildir, d->mail_root, u->path) || !file_sync_directory(u->folder.directory))
		return false;
	size_t place = d->way_count++ % WAYS_KNOWN;
	d->ways[place].device = st.st_dev;
	d->ways[place].inode = st.st_ino;
	return true;
}

bool
target_open(struct deliverer *d, const struct mailbox *mailbox, struct under_way *u)
{
	if (!new_maildir_open(&u->maildir, d->mail_root, mailbox->maildir, d->rules->new_folders))
		return false;
	if (!open_folder(d->rules, mailbox, u)) {
		int saved = errno;
		maildir_close(&u->maildir);
		errno = saved;
		return false;
	}
	if (sync_way(d, u))
		return true;
	target_close(u);
	return false;
}

void
target_close(struct under_way *u)
{
	int saved = errno;
	folder_close(&u->folder);
	maildir_close(&u->maildir);
	errno = saved;
}
