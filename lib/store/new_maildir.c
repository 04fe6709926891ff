#include "lib/store/new_maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/store/folder.h"
#include "lib/store/subscriptions.h"
#include "lib/store/utf7.h"

bool
new_maildir_folder(const struct maildir *m, struct slice name)
{
	bool ok = (folders_create(m, name) || errno == EEXIST) && subscriptions_set(m, name, true);
	return ok || errno == EINVAL;
}

/* As people write it. */
static bool
make_folders(const struct maildir *m, struct slice list)
{
	bool ok = true;
	while (ok && list.len > 0) {
		size_t comma = slice_find(list, ','), end = slice_find(list, '\n');
		size_t len = comma < end ? comma : end;
		struct str name = STR_MOST(FOLDER_NAME_MOST);
		if (utf7_from_utf8(&name, slice_trim(slice_first(list, len))) && name.len > 0)
			ok = new_maildir_folder(m, str_slice(&name));
		str_free(&name);
		list = slice_from(list, len + 1);
	}
	return ok;
}

/* cur/ is made last of all (folder.h): without it what stands here was never finished. */
static bool
is_new(const struct maildir *m)
{
	struct stat st;
	return fstatat(m->root, "cur", &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

static bool
make_inbox(const struct maildir *m)
{
	struct folder inbox;
	if (!folder_open(&inbox, m, slice_of("INBOX"), true))
		return false;
	folder_close(&inbox);
	return true;
}

bool
new_maildir_open(struct maildir *m, int mail_root, const char *path, const char *list)
{
	bool there = maildir_open(m, mail_root, path, false);
	if (!there && (errno != ENOENT || !maildir_make(m, mail_root, path)))
		return false;
	if ((there && list[0] == '\0') || !is_new(m) || (make_folders(m, slice_of(list)) && make_inbox(m)))
		return true;
	int saved = errno;
	maildir_close(m);
	errno = saved;
	return false;
}
