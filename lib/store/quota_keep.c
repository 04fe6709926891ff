/* Writing what was counted: quota_reading.h. */
#include "lib/store/quota_reading.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/store/directory.h"
#include "lib/store/name.h"

#define TEXT_MOST 256

bool
quota_write_text(int fd, struct quota_amount limits, struct quota_amount used, uint64_t counted)
{
	struct str text = STR_MOST(TEXT_MOST);
	bool ok = maildirsize_print(&text, limits, used, counted) && ftruncate(fd, 0) == 0 && file_write_all(fd, text.data, text.len);
	str_free(&text);
	return ok;
}

static bool
write_counted(const struct quota_file *f, int fd)
{
	return quota_write_text(fd, f->limits, f->used, f->life > 0 ? (uint64_t)clock_unix() : 0);
}

static bool
write_new(const struct quota_file *f, int tmp, const char *name)
{
	int fd = openat(tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write_counted(f, fd);
	directory_close(fd);
	return ok;
}

bool
quota_keep(const struct quota_file *f, int held)
{
	char name[NAME_MOST + 1];
	if (held >= 0 && write_counted(f, held))
		return true;
	int tmp = directory_open(f->directory, f->has_tmp ? "tmp" : ".", f->has_tmp);
	name_unique(name);
	bool ok = tmp >= 0 && write_new(f, tmp, name) && renameat(tmp, name, f->directory, f->name) == 0;
	if (!ok)
		log_warning("quota-not-kept", log_text("file", f->name), log_errno(),
		    log_text("hint", "all is counted anew each time: is there room, and is something else of that name in the way?"));
	if (!ok && tmp >= 0)
		unlinkat(tmp, name, 0);
	directory_close(tmp);
	return ok;
}
