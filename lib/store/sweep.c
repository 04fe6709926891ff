#include "lib/store/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/store/directory.h"

#define OLD          (36 * 3600) /* seconds */
/* Less than a day: a backup that reads the directory each night sets its time of access as well. */
#define LOOK_AFTER   (20 * 3600)
#define ENTRIES_MOST 100000 /* looked at in one go, so that no delivery waits for long */

/* By the time of the last change of any kind: that of modification is the message's date when APPEND gives one. */
static void
remove_old(int tmp, const char *name, int64_t now)
{
	struct stat st;
	bool old = fstatat(tmp, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode) && (int64_t)st.st_ctime < now - OLD;
	if (old)
		unlinkat(tmp, name, 0);
}

static void
look(int tmp, int64_t now)
{
	DIR *d = directory_list(tmp);
	struct dirent *entry;
	int left = ENTRIES_MOST;
	if (d == NULL)
		return;
	while (left > 0 && (entry = readdir(d)) != NULL) {
		if (!directory_is_dots(entry->d_name))
			remove_old(tmp, entry->d_name, now);
		left--;
	}
	closedir(d);
}

void
sweep_tmp(int tmp, int64_t now)
{
	int saved = errno;
	struct stat st;
	if (fstat(tmp, &st) == 0 && (int64_t)st.st_atime < now - LOOK_AFTER) {
		/* First the mark: those who come meanwhile do not look as well. */
		const struct timespec looked[2] = {{.tv_sec = now}, {.tv_nsec = UTIME_OMIT}};
		futimens(tmp, looked);
		look(tmp, now);
	}
	errno = saved;
}
