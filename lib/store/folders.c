#include "lib/store/folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/store/courier.h"
#include "lib/store/directory.h"
#include "lib/store/utf7.h"

bool
folders_is_inbox(struct slice name)
{
	return slice_is_nocase(name, "INBOX");
}

bool
folders_name_ok(struct slice name)
{
	if (name.len == 0 || name.len > FOLDER_NAME_MOST || folders_is_inbox(name))
		return false;
	if (slice_has(name, '/') || !utf7_ok(name) || name.data[name.len - 1] == '.')
		return false;
	struct slice rest = name, level;
	size_t levels = 0;
	while (slice_split(&rest, '.', &level))
		if (level.len == 0 || ++levels > FOLDER_DEPTH_MOST)
			return false;
	return true;
}

/* ".Work.Plans" into FOLDER_NAME_MOST + 2 bytes. */
static bool
disk_name(char *into, struct slice name)
{
	if (!folders_name_ok(name)) {
		errno = EINVAL;
		return false;
	}
	into[0] = '.';
	memcpy(into + 1, name.data, name.len);
	into[name.len + 1] = '\0';
	return true;
}

static bool
is_directory(int root, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(root, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static bool
add_name(struct folder_names *names, const char *name)
{
	if (names->count == FOLDERS_MOST) {
		errno = E2BIG;
		return false;
	}
	if (names->count == names->room) {
		size_t room = names->room == 0 ? 32 : names->room * 2;
		char **larger = realloc(names->names, room * sizeof *larger);
		if (larger == NULL)
			return false;
		names->names = larger;
		names->room = room;
	}
	names->names[names->count] = strdup(name);
	if (names->names[names->count] == NULL)
		return false;
	names->count++;
	return true;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
read_names(const struct maildir *m, DIR *d, struct folder_names *names, bool *strange)
{
	struct dirent *entry;
	errno = 0;
	while ((entry = readdir(d)) != NULL) {
		bool hidden = entry->d_name[0] == '.' && entry->d_name[1] != '.' && entry->d_name[1] != '\0';
		bool ours = hidden && folders_name_ok(slice_of(entry->d_name + 1));
		*strange = *strange || (hidden && !ours);
		if (ours && is_directory(m->root, entry) && !add_name(names, entry->d_name + 1))
			return false;
		errno = 0;
	}
	return errno == 0;
}

static bool
list_once(const struct maildir *m, struct folder_names *names, bool *strange)
{
	*names = (struct folder_names){.count = 0};
	*strange = false;
	DIR *d = directory_list(m->root);
	if (d == NULL)
		return false;
	bool ok = read_names(m, d, names, strange);
	int saved = errno;
	closedir(d);
	if (!ok)
		folders_free(names);
	errno = saved;
	return ok;
}

bool
folders_list(const struct maildir *m, struct folder_names *names)
{
	bool strange;
	if (!list_once(m, names, &strange))
		return false;
	if (strange && courier_rename_folders(m->root)) {
		folders_free(names);
		if (!list_once(m, names, &strange))
			return false;
	}
	if (names->count > 1)
		qsort(names->names, names->count, sizeof *names->names, compare_names);
	return true;
}

void
folders_free(struct folder_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct folder_names){.count = 0};
}

bool
folders_exists(const struct maildir *m, struct slice name)
{
	char on_disk[FOLDER_NAME_MOST + 2];
	struct stat st;
	if (folders_is_inbox(name))
		return true;
	return disk_name(on_disk, name) && fstatat(m->root, on_disk, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* cur, new, tmp, and the file by which Maildir++ programs know that it is a folder. */
static bool
fill(int directory)
{
	static const char *const parts[] = {"tmp", "new", "cur"};
	for (int i = 0; i < 3; i++)
		if (mkdirat(directory, parts[i], 0700) < 0 && errno != EEXIST)
			return false;
	int fd = openat(directory, "maildirfolder", O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	close(fd);
	return fsync(directory) == 0;
}

bool
folders_create(const struct maildir *m, struct slice name)
{
	char on_disk[FOLDER_NAME_MOST + 2];
	if (folders_is_inbox(name)) {
		errno = EEXIST;
		return false;
	}
	if (!disk_name(on_disk, name) || mkdirat(m->root, on_disk, 0700) < 0)
		return false;
	int fd = directory_open(m->root, on_disk, false);
	bool ok = fd >= 0 && fill(fd) && file_sync_directory(m->root);
	directory_close(fd);
	return ok;
}
