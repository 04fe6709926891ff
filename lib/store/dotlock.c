#include "lib/store/dotlock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/cursor.h"
#include "lib/base/file.h"
#include "lib/store/directory.h"
#include "lib/store/maildir.h"

#define LOOK_FIRST  1  /* ms: those who rename hold it for less */
#define LOOK_MOST   20 /* ms */
#define STALE_AFTER 60 /* seconds without a change: another program's, as Dovecot has it */
#define EMPTY_AFTER 5  /* seconds: whoever made it never came to write into it */

static bool
same_file(const struct dotlock *l, int fd)
{
	struct stat held, named;
	return fstat(fd, &held) == 0 && fstatat(l->directory, l->name, &named, AT_SYMLINK_NOFOLLOW) == 0
	    && held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

static bool
sign(int fd)
{
	char text[128];
	int len = snprintf(text, sizeof text, "%ld:%s\n", (long)getpid(), maildir_host());
	return len > 0 && file_write_all(fd, text, (size_t)len);
}

/* errno of a flock(2) says that the file system has none; then the lock file alone must do. */
static bool
cannot_flock(void)
{
	return errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS;
}

/* On a full disk the flock alone must do, or nobody could remove anything. Dovecot waits for an unsigned one as for another host's. */
static bool
no_room(void)
{
	return errno == ENOSPC || errno == EDQUOT;
}

static bool
make(struct dotlock *l)
{
	l->fd = openat(l->directory, l->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (l->fd < 0)
		return false;
	bool flocked = flock(l->fd, LOCK_EX | LOCK_NB) == 0;
	bool ours = (flocked || cannot_flock()) && (sign(l->fd) || (flocked && no_room()));
	if (ours && same_file(l, l->fd))
		return true;
	/* No room to sign, or somebody found it unsigned and removed it. */
	dotlock_release(l);
	return false;
}

/*
 * "PID:HOST" of this host and a LF. Only that: Dovecot writes a new `dovecot-keywords`
 * or `subscriptions` into the lock file itself and renames it, and those end in LF too.
 * Another host's flock may not be seen here, where a file system is shared.
 */
static bool
is_ours(struct slice text)
{
	struct cursor c = cursor_over(text);
	uint64_t pid;
	if (!cursor_take_number(&c, INT32_MAX, &pid) || !cursor_take(&c, ':'))
		return false;
	return slice_ends(c.rest, "\n") && slice_is(slice_first(c.rest, c.rest.len - 1), maildir_host());
}

/* What the lock file says: its maker is gone. `locked`: we hold its flock. */
static bool
is_stale(int fd, bool locked)
{
	char text[128];
	struct stat st;
	ssize_t len = pread(fd, text, sizeof text, 0);
	if (len < 0 || fstat(fd, &st) < 0)
		return false;
	int64_t age = clock_unix() - (int64_t)st.st_mtime;
	if (len == 0)
		return age > EMPTY_AFTER;
	return (locked && is_ours(slice_make(text, (size_t)len))) || age > STALE_AFTER;
}

/* Removes a lock whose maker is gone. The flock makes sure that only one of us does, and that it is still that file. */
static void
remove_stale(const struct dotlock *l)
{
	/* For writing: NFS gives no exclusive flock else. */
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(l->directory, l->name, O_RDWR | flags);
	/* One that root made. */
	if (fd < 0 && errno == EACCES)
		fd = openat(l->directory, l->name, O_RDONLY | flags);
	if (fd < 0)
		return;
	bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
	if ((locked || cannot_flock()) && is_stale(fd, locked) && same_file(l, fd))
		unlinkat(l->directory, l->name, 0);
	close(fd);
}

bool
dotlock_take(struct dotlock *l, int directory, const char *name, int timeout)
{
	*l = (struct dotlock){.directory = directory, .fd = -1, .name = name};
	int64_t deadline = clock_ms() + timeout;
	int pause = LOOK_FIRST;
	struct stat st;
	for (;;) {
		errno = 0;
		if (make(l))
			return true;
		if (errno != EEXIST && errno != EAGAIN && errno != ENOENT && errno != 0)
			return false;
		/* No folder is there any more in which it could be. */
		if (errno == ENOENT && fstat(directory, &st) == 0 && st.st_nlink == 0) {
			errno = ENOENT;
			return false;
		}
		remove_stale(l);
		if (clock_ms() >= deadline) {
			errno = ETIMEDOUT;
			return false;
		}
		poll(NULL, 0, pause);
		pause = 2 * pause < LOOK_MOST ? 2 * pause : LOOK_MOST;
	}
}

void
dotlock_release(struct dotlock *l)
{
	if (l->fd < 0)
		return;
	int saved = errno;
	if (same_file(l, l->fd))
		unlinkat(l->directory, l->name, 0);
	close(l->fd);
	l->fd = -1;
	errno = saved;
}
