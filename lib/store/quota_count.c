#include "lib/store/quota_count.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/store/directory.h"
#include "lib/store/folders.h"
#include "lib/store/name.h"

/* One look at all directories. */
struct look {
	struct quota_amount total;
	struct timespec     latest; /* change of a directory */
	bool                only_times;
};

static bool
is_later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

bool
quota_count_file(int directory, const char *name, uint64_t *size)
{
	struct name_parts parts;
	struct stat st;
	if (!name_parse(slice_of(name), &parts))
		return false;
	*size = parts.size;
	if (parts.has_size)
		return true;
	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return false;
	*size = (uint64_t)st.st_size;
	return true;
}

/* Sums of hostile sizes stay what a maildirsize may say. */
static void
add(struct quota_amount *total, uint64_t bytes)
{
	total->bytes = bytes > INT64_MAX - total->bytes ? INT64_MAX : total->bytes + bytes;
	total->messages++;
}

static bool
read_names(int fd, struct quota_amount *total)
{
	DIR *d = directory_list(fd);
	struct dirent *entry;
	if (d == NULL)
		return false;
	errno = 0;
	while ((entry = readdir(d)) != NULL) {
		uint64_t size;
		bool file = entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN;
		if (file && quota_count_file(fd, entry->d_name, &size))
			add(total, size);
		errno = 0;
	}
	int saved = errno;
	closedir(d);
	errno = saved;
	return saved == 0;
}

/* new/ or cur/. One that is not there holds nothing. */
static bool
look_into(int folder, const char *part, struct look *l)
{
	struct stat st;
	int fd = directory_open(folder, part, false);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
	bool ok = fstat(fd, &st) == 0;
	if (ok && is_later(st.st_mtim, l->latest))
		l->latest = st.st_mtim;
	ok = ok && (l->only_times || read_names(fd, &l->total));
	directory_close(fd);
	return ok;
}

static bool
look_at_folder(const struct maildir *m, struct slice name, struct look *l)
{
	char on_disk[FOLDER_NAME_MOST + 2] = ".";
	if (!folders_is_inbox(name)) {
		if (!folders_name_ok(name))
			return true;
		memcpy(on_disk + 1, name.data, name.len);
		on_disk[name.len + 1] = '\0';
	}
	int folder = directory_open(m->root, on_disk, false);
	if (folder < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
	bool ok = look_into(folder, "new", l) && look_into(folder, "cur", l);
	directory_close(folder);
	return ok;
}

static bool
look_at_all(const struct maildir *m, const struct folder_names *names, const struct quota_rules *rules, struct look *l)
{
	if (quota_rules_count(rules, slice_of("INBOX")) && !look_at_folder(m, slice_of("INBOX"), l))
		return false;
	for (size_t i = 0; i < names->count; i++)
		if (quota_rules_count(rules, slice_of(names->names[i])) && !look_at_folder(m, slice_of(names->names[i]), l))
			return false;
	return true;
}

bool
quota_count(const struct maildir *m, const struct quota_rules *rules, struct quota_amount *used, bool *still)
{
	struct folder_names names;
	struct look first = {.only_times = false}, second = {.only_times = true};
	if (!folders_list(m, &names))
		return false;
	bool ok = look_at_all(m, &names, rules, &first) && look_at_all(m, &names, rules, &second);
	int saved = errno;
	folders_free(&names);
	errno = saved;
	*used = first.total;
	*still = ok && !is_later(second.latest, first.latest);
	return ok;
}

bool
quota_count_folder(const struct maildir *m, struct slice name, struct quota_amount *used)
{
	struct look l = {.only_times = false};
	bool ok = look_at_folder(m, name, &l);
	*used = l.total;
	return ok;
}
