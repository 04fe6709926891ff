/* Deleting and renaming folders. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/random.h"
#include "lib/store/directory.h"
#include "lib/store/folder.h"
#include "lib/store/folders.h"

/* Dovecot's name for a folder that is being removed: no program lists it, and one left by a crash is removed next time. */
#define TRASH "..DOVECOT-TRASHED"

static void
empty(int directory)
{
	DIR *d = directory_list(directory);
	struct dirent *entry;
	if (d == NULL)
		return;
	while ((entry = readdir(d)) != NULL)
		if (!directory_is_dots(entry->d_name))
			unlinkat(directory, entry->d_name, 0);
	closedir(d);
}

/* A folder has one level of directories; what somebody hid deeper stays where it is, unlisted. */
static void
remove_tree(int root, const char *name)
{
	static const char *const parts[] = {"tmp", "new", "cur"};
	int directory = directory_open(root, name, false);
	if (directory < 0)
		return;
	for (int i = 0; i < 3; i++) {
		int part = directory_open(directory, parts[i], false);
		if (part >= 0) {
			empty(part);
			close(part);
		}
		unlinkat(directory, parts[i], AT_REMOVEDIR);
	}
	empty(directory);
	close(directory);
	unlinkat(root, name, AT_REMOVEDIR);
}

/* One step takes the folder out of sight; only then is it emptied. */
static bool
move_to_trash(int root, const char *on_disk, char trash[64])
{
	snprintf(trash, 64, "%s", TRASH);
	remove_tree(root, trash);
	if (renameat(root, on_disk, root, trash) == 0)
		return true;
	if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
		return false;
	snprintf(trash, 64, TRASH ".%016llx", (unsigned long long)random_number());
	return renameat(root, on_disk, root, trash) == 0;
}

bool
folders_delete(const struct maildir *m, struct slice name)
{
	char on_disk[FOLDER_NAME_MOST + 2] = ".", trash[64];
	if (!folders_name_ok(name)) {
		errno = EINVAL;
		return false;
	}
	memcpy(on_disk + 1, name.data, name.len);
	if (!move_to_trash(m->root, on_disk, trash) || !file_sync_directory(m->root))
		return false;
	remove_tree(m->root, trash);
	return true;
}

/* Each file keeps its name, so one that is half done can be done again. */
static bool
move_messages(int from, int to)
{
	DIR *d = directory_list(from);
	struct dirent *entry;
	struct name_parts parts;
	bool ok = true;
	if (d == NULL)
		return false;
	while (ok && (entry = readdir(d)) != NULL) {
		char name[NAME_MOST + 1];
		struct slice old = slice_of(entry->d_name);
		if (!name_parse(old, &parts) || !name_build(name, parts.base, parts.info, parts.flags, parts.keywords))
			continue;
		ok = renameat(from, entry->d_name, to, name) == 0 || errno == ENOENT;
	}
	int saved = errno;
	closedir(d);
	errno = saved;
	return ok;
}

static bool
rename_inbox(const struct maildir *m, struct slice to)
{
	struct folder inbox, target;
	if (!folders_create(m, to) || !folder_open(&inbox, m, slice_of("INBOX"), true))
		return false;
	bool ok = folder_open(&target, m, to, true);
	if (ok) {
		ok = move_messages(inbox.fresh, target.cur) && move_messages(inbox.cur, target.cur) && folder_sync(&target)
		    && fsync(inbox.cur) == 0 && fsync(inbox.fresh) == 0;
		folder_close(&target);
	}
	folder_close(&inbox);
	return ok;
}

/* The folder itself, or one beneath it. */
static bool
concerns(struct slice name, struct slice folder)
{
	if (name.len < folder.len || !slice_equal(slice_first(name, folder.len), folder))
		return false;
	return name.len == folder.len || name.data[folder.len] == '.';
}

/* The new name on the disk of `name`, which concerns `from`. */
static bool
new_name(char into[FOLDER_NAME_MOST + 2], struct slice name, struct slice from, struct slice to)
{
	struct slice rest = slice_from(name, from.len);
	errno = EINVAL;
	if (to.len + rest.len > FOLDER_NAME_MOST)
		return false;
	into[0] = '.';
	memcpy(into + 1, to.data, to.len);
	memcpy(into + 1 + to.len, rest.data, rest.len);
	into[1 + to.len + rest.len] = '\0';
	return folders_name_ok(slice_of(into + 1));
}

/* With `check` looks only whether all can be renamed. */
static bool
rename_all(const struct maildir *m, const struct folder_names *all, struct slice from, struct slice to, bool check)
{
	size_t renamed = 0;
	for (size_t i = 0; i < all->count; i++) {
		char source[FOLDER_NAME_MOST + 2], target[FOLDER_NAME_MOST + 2];
		struct slice name = slice_of(all->names[i]);
		if (!concerns(name, from))
			continue;
		if (!new_name(target, name, from, to))
			return false;
		snprintf(source, sizeof source, ".%s", all->names[i]);
		errno = EEXIST;
		if (check && folders_exists(m, slice_of(target + 1)))
			return false;
		/* rename(2) would replace an empty directory that somebody made meanwhile: harmless. */
		if (!check && renameat(m->root, source, m->root, target) < 0)
			return false;
		renamed++;
	}
	errno = ENOENT;
	return renamed > 0;
}

bool
folders_rename(const struct maildir *m, struct slice from, struct slice to)
{
	bool inbox = folders_is_inbox(from);
	errno = folders_is_inbox(to) ? EEXIST : EINVAL;
	if (!folders_name_ok(to) || (!inbox && (!folders_name_ok(from) || concerns(to, from))))
		return false;
	if (inbox)
		return rename_inbox(m, to);
	struct folder_names all;
	if (!folders_list(m, &all))
		return false;
	errno = EEXIST;
	bool ok = !folders_exists(m, to) && rename_all(m, &all, from, to, true) && rename_all(m, &all, from, to, false);
	int saved = errno;
	folders_free(&all);
	errno = saved;
	return ok && file_sync_directory(m->root);
}
