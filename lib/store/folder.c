#include "lib/store/folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/large.h"
#include "lib/store/courier.h"
#include "lib/store/directory.h"
#include "lib/store/folders.h"
#include "lib/store/index.h"
#include "lib/store/scan.h"
#include "lib/store/sweep.h"

/* The folder's directory: the Maildir itself for INBOX. */
static int
open_directory(int root, struct slice name)
{
	if (folders_is_inbox(name))
		return directory_open(root, ".", false);
	if (!folders_name_ok(name)) {
		errno = EINVAL;
		return -1;
	}
	char on_disk[FOLDER_NAME_MOST + 2] = ".";
	memcpy(on_disk + 1, name.data, name.len);
	on_disk[name.len + 1] = '\0';
	int fd = directory_open(root, on_disk, false);
	/* Courier's folders may still bear names in UTF-8. */
	if (fd < 0 && errno == ENOENT && slice_has(name, '&') && courier_rename_folders(root))
		return directory_open(root, on_disk, false);
	return fd;
}

bool
folder_find(struct folder *f, const struct maildir *m, struct slice name, bool read_only)
{
	*f = (struct folder){.read_only = read_only, .root = m->root, .directory = -1, .cur = -1, .fresh = -1, .tmp = -1};
	f->directory = open_directory(m->root, name);
	return f->directory >= 0;
}

bool
folder_open(struct folder *f, const struct maildir *m, struct slice name, bool read_only)
{
	if (!folder_find(f, m, name, read_only))
		return false;
	if (folder_open_parts(f))
		return true;
	folder_close(f);
	return false;
}

/* What was opened before one that cannot be is closed with the folder. */
bool
folder_open_parts(struct folder *f)
{
	if (f->cur >= 0)
		return true;
	/* The order in which another program may have been interrupted making them does not matter: each is made when absent. */
	if (f->tmp < 0)
		f->tmp = directory_open(f->directory, "tmp", true);
	if (f->tmp >= 0 && f->fresh < 0)
		f->fresh = directory_open(f->directory, "new", true);
	if (f->fresh >= 0)
		f->cur = directory_open(f->directory, "cur", true);
	if (f->cur >= 0)
		sweep_tmp(f->tmp, clock_unix());
	return f->cur >= 0;
}

void
folder_leave(struct folder *f)
{
	int saved = errno;
	index_write_learned(f);
	errno = saved;
}

void
folder_rest(struct folder *f)
{
	if (f->index != NULL)
		index_file_rest(&f->index->file);
	if (f->scan != NULL)
		scan_rest(f);
}

void
folder_rest_spare(void)
{
	index_file_rest_spare();
}

void
folder_close(struct folder *f)
{
	int saved = errno;
	index_write_learned(f);
	index_free(f);
	scan_free(f);
	for (int i = 0; i < KEYWORDS_MOST; i++)
		free(f->keywords[i]);
	large_give(f->messages, f->room * sizeof *f->messages);
	const int open[] = {f->directory, f->cur, f->fresh, f->tmp};
	for (size_t i = 0; i < sizeof open / sizeof *open; i++)
		if (open[i] >= 0)
			close(open[i]);
	*f = (struct folder){.directory = -1, .cur = -1, .fresh = -1, .tmp = -1};
	errno = saved;
}

bool
folder_sync(const struct folder *f)
{
	return fsync(f->cur) == 0;
}

size_t
folder_place_of(const struct folder *f, uint32_t uid)
{
	size_t low = 0, high = f->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (f->messages[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct message *
folder_find_base(struct folder *f, const char *base)
{
	size_t index = scan_find(f, slice_of(base));
	return index == SIZE_MAX ? NULL : &f->messages[index];
}

static void
leave(struct folder *f, const struct message *m, size_t index, void (*gone)(void *context, size_t index), void *context)
{
	index_dropped(f, m);
	if (gone != NULL)
		gone(context, index);
}

void
folder_drop(struct folder *f, void (*gone)(void *context, size_t index), void *context)
{
	if (f->vanished == 0)
		return;
	size_t kept = 0;
	for (size_t i = 0; i < f->count; i++) {
		if (!f->messages[i].vanished)
			f->messages[kept++] = f->messages[i];
		else
			leave(f, &f->messages[i], kept, gone, context);
	}
	f->count = kept;
	f->vanished = 0;
	scan_unhash(f);
}

bool
folder_expunge(struct folder *f, struct message *m)
{
	bool removed;
	return folder_remove(f, m, &removed);
}
