#include "lib/store/settle.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define TOGETHER_LEAST 3     /* fewer are synced one by one */
#define SLOW           500   /* ms: others write much to this file system */
#define SLOW_FOR       60000 /* ms */
#define XFS_MAGIC      0x58465342

/* syncfs(2) tells of errors since Linux 5.8. */
static bool
kernel_tells(void)
{
	static int known; /* 1: no, 2: yes */
	struct utsname u;
	unsigned major = 0, minor = 0;
	if (known == 0) {
		bool read = uname(&u) == 0 && sscanf(u.release, "%u.%u", &major, &minor) == 2;
		known = read && (major > 5 || (major == 5 && minor >= 8)) ? 2 : 1;
	}
	return known == 2;
}

static unsigned long
file_system_of(int fd)
{
	struct statfs s;
	return fstatfs(fd, &s) == 0 ? (unsigned long)s.f_type : 0;
}

/*
 * Those whose journal keeps the order of changes: what came earlier is in it before what came later. And it has a file's blocks and
 * size before a later rename: its pages count as written only when both are in it.
 */
static bool
writes_in_order(int fd)
{
	struct stat st;
	unsigned long type = file_system_of(fd);
	return type == XFS_MAGIC || (type == EXT4_SUPER_MAGIC && fstat(fd, &st) == 0 && settle_has_journal(st.st_dev));
}

static bool
file_system_keeps_it(int fd)
{
	unsigned long type = file_system_of(fd);
	return type == EXT4_SUPER_MAGIC || type == XFS_MAGIC || type == BTRFS_SUPER_MAGIC || type == TMPFS_MAGIC;
}

static bool
are_on_one(const int *fds, size_t count)
{
	struct stat first, st;
	if (fstat(fds[0], &first) < 0)
		return false;
	for (size_t i = 1; i < count; i++)
		if (fstat(fds[i], &st) < 0 || st.st_dev != first.st_dev)
			return false;
	return true;
}

static int64_t slow_until;

/* True: all are durable. */
static bool
settle_together(const int *fds, size_t count)
{
	int64_t began = clock_ms();
	if (count < TOGETHER_LEAST || began < slow_until || !kernel_tells() || !are_on_one(fds, count) || !file_system_keeps_it(fds[0]))
		return false;
	bool ok = syncfs(fds[0]) == 0;
	int64_t ended = clock_ms();
	if (ended - began > SLOW)
		slow_until = ended + SLOW_FOR;
	return ok;
}

void
settle_all(const int *fds, int *errors, size_t count)
{
	bool together = settle_together(fds, count);
	for (size_t i = 0; i < count; i++)
		errors[i] = together || fsync(fds[i]) == 0 ? 0 : errno;
}

bool
settle_in_order(int first, int last)
{
	const int fds[] = {first, last};
	return writes_in_order(last) && are_on_one(fds, 2);
}

static bool
are_in_order(const int *fds, size_t count)
{
	return count > 0 && writes_in_order(fds[0]) && are_on_one(fds, count);
}

void
settle_bytes(const int *fds, int *errors, size_t count)
{
	const unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	if (!are_in_order(fds, count)) {
		settle_all(fds, errors, count);
		return;
	}
	/* All are under way before the first is waited for. What fails at once is told once: pages that got no block are no longer dirty. */
	for (size_t i = 0; i < count; i++)
		errors[i] = count == 1 || sync_file_range(fds[i], 0, 0, SYNC_FILE_RANGE_WRITE) == 0 ? 0 : errno;
	for (size_t i = 0; i < count; i++)
		if (errors[i] == 0 && sync_file_range(fds[i], 0, 0, all) != 0)
			errors[i] = errno;
}

bool
settle_file(int fd)
{
	int error;
	settle_bytes(&fd, &error, 1);
	errno = error;
	return error == 0;
}

void
settle_names(const int *directories, int *errors, size_t count, int last)
{
	if (!are_in_order(directories, count)) {
		settle_all(directories, errors, count);
		return;
	}
	int error = fsync(last) == 0 ? 0 : errno;
	for (size_t i = 0; i < count; i++)
		errors[i] = error;
}
