#include "lib/store/courier.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/store/courier_keywords.h"
#include "lib/store/directory.h"
#include "lib/store/folders.h"
#include "lib/store/scan.h"
#include "lib/store/utf7.h"

#define UIDS               "courierimapuiddb"
#define UIDS_MOVED         "courierimapuiddb.moved"
#define SUBSCRIPTIONS      "courierimapsubscribed"
#define SUBSCRIPTIONS_MOST (4u << 20)

static enum uidlist_result
read_uids(int directory, struct uidlist *l)
{
	size_t len;
	*l = (struct uidlist){.text = NULL};
	char *text = directory_read_file(directory, UIDS, UIDLIST_MOST, &len);
	if (text == NULL)
		return errno == ENOENT || errno == ELOOP || errno == EINVAL || errno == EFBIG ? UIDLIST_ABSENT : UIDLIST_ERROR;
	bool ok = slice_starts(slice_make(text, len), "1 ") && uidlist_parse(l, slice_make(text, len)) && !l->torn;
	if (!ok) {
		free(text);
		*l = (struct uidlist){.text = NULL};
		log_warning("courier-list-broken", log_text("hint", "the folder gets a new uidvalidity; clients will read it anew"));
		return UIDLIST_ABSENT;
	}
	l->text = text;
	return UIDLIST_OK;
}

enum uidlist_result
courier_move_in(struct folder *f, struct uidlist *l)
{
	bool stable;
	enum uidlist_result found = read_uids(f->directory, l);
	if (found != UIDLIST_OK)
		return found;
	/* Once in a folder's life: each message is to be there. */
	if (scan_directories(f, true, &stable) && courier_take_keywords(f)) {
		log_info("courier-moved-in", log_number("uidvalidity", l->uidvalidity), log_number("messages", (int64_t)f->count));
		return UIDLIST_OK;
	}
	int saved = errno;
	uidlist_free(l);
	errno = saved;
	return UIDLIST_ERROR;
}

void
courier_moved(const struct folder *f)
{
	if (renameat(f->directory, UIDS, f->directory, UIDS_MOVED) < 0 && errno != ENOENT)
		log_warning("courier-list-stays", log_errno(), log_text("hint", "remove courierimapuiddb from the folder"));
}

static bool
made_by_courier(int root, const char *on_disk)
{
	struct stat st;
	int fd = directory_open(root, on_disk, false);
	bool made = fd >= 0 && fstatat(fd, UIDS, &st, AT_SYMLINK_NOFOLLOW) == 0;
	directory_close(fd);
	return made;
}

/* ".Entw\xc3\xbcrfe" becomes ".Entw&APw-rfe" unless there is such a folder. */
static bool
rename_folder(int root, const char *on_disk)
{
	struct str name = STR_MOST(FOLDER_NAME_MOST + 1);
	struct stat st;
	bool ok = str_append_byte(&name, '.') && utf7_from_utf8(&name, slice_of(on_disk + 1))
	    && folders_name_ok(slice_from(str_slice(&name), 1)) && made_by_courier(root, on_disk);
	if (ok && fstatat(root, str_text(&name), &st, AT_SYMLINK_NOFOLLOW) == 0) {
		log_warning("courier-folder-twice", log_text("folder", on_disk + 1), log_text("as", str_text(&name)));
		ok = false;
	}
	ok = ok && renameat(root, on_disk, root, str_text(&name)) == 0;
	if (ok)
		log_info("courier-folder-renamed", log_text("folder", on_disk + 1), log_text("to", str_text(&name)));
	str_free(&name);
	return ok;
}

bool
courier_rename_folders(int root)
{
	DIR *d = directory_list(root);
	struct dirent *entry;
	bool renamed = false;
	if (d == NULL)
		return false;
	while ((entry = readdir(d)) != NULL) {
		const char *name = entry->d_name;
		if (name[0] == '.' && !directory_is_dots(name) && !folders_name_ok(slice_of(name + 1)))
			renamed = rename_folder(root, name) || renamed;
	}
	closedir(d);
	return renamed && file_sync_directory(root);
}

bool
courier_subscriptions(int root, struct str *text)
{
	size_t len;
	char *list = directory_read_file(root, SUBSCRIPTIONS, SUBSCRIPTIONS_MOST, &len);
	struct str name = STR_MOST(FOLDER_NAME_MOST);
	struct slice line;
	if (list == NULL)
		return false;
	struct slice rest = slice_make(list, len);
	str_append_text(text, "V\t2\n\n");
	while (slice_split(&rest, '\n', &line)) {
		if (!courier_folder_name(line, &name))
			continue;
		for (size_t i = 0; i < name.len; i++)
			str_append_byte(text, name.data[i] == '.' ? '\t' : name.data[i]);
		str_append_byte(text, '\n');
	}
	str_free(&name);
	free(list);
	errno = ENOMEM;
	return !text->failed;
}
