#include "lib/store/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/store/settle.h"

int
directory_close(int fd)
{
	int saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

int
directory_open(int parent, const char *name, bool create)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, name, flags);
	if (fd >= 0 || errno != ENOENT || !create)
		return fd;
	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return -1;
	if (!file_sync_directory(parent))
		return -1;
	return openat(parent, name, flags);
}

int
directory_open_stat(int parent, const char *name, struct stat *st)
{
	/* O_NONBLOCK: a FIFO of that name must not hold us up. */
	int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	if (fstat(fd, st) < 0)
		return directory_close(fd);
	if (S_ISREG(st->st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

int
directory_open_file(int parent, const char *name)
{
	struct stat st;
	return directory_open_stat(parent, name, &st);
}

int
directory_open_own(int parent, const char *name, int flags)
{
	struct stat st;
	int fd = openat(parent, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return directory_close(fd);
	if (S_ISREG(st.st_mode) && st.st_nlink == 1)
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

static char *
read_up_to(int fd, size_t size, size_t *len)
{
	char *content = malloc(size + 1);
	size_t got = 0;
	while (content != NULL && got < size) {
		ssize_t n = read(fd, content + got, size - got);
		if (n == 0)
			break;
		if (n > 0) {
			got += (size_t)n;
		} else if (errno != EINTR) {
			free(content);
			return NULL;
		}
	}
	if (content != NULL)
		content[got] = '\0';
	*len = got;
	return content;
}

char *
directory_read_file(int parent, const char *name, size_t most, size_t *len)
{
	struct stat st;
	int fd = directory_open_stat(parent, name, &st);
	if (fd < 0)
		return NULL;
	char *content = NULL;
	if ((unsigned long long)st.st_size <= most)
		content = read_up_to(fd, (size_t)st.st_size, len);
	else
		errno = EFBIG;
	directory_close(fd);
	return content;
}

DIR *
directory_list(int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (again < 0)
		return NULL;
	DIR *d = fdopendir(again);
	if (d == NULL)
		directory_close(again);
	return d;
}

bool
directory_is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Its bytes are on the disk before it gets its name. */
static bool
write_whole(int parent, const char *name, const void *content, size_t len)
{
	int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool ok = file_write_all(fd, content, len) && settle_file(fd);
	directory_close(fd);
	return ok;
}

bool
directory_replace(int parent, const char *temporary, const char *name, const void *content, size_t len)
{
	/* One left by a session that was killed; whoever replaces holds the lock. */
	if (unlinkat(parent, temporary, 0) < 0 && errno != ENOENT)
		return false;
	if (write_whole(parent, temporary, content, len) && renameat(parent, temporary, parent, name) == 0)
		return file_sync_directory(parent);
	int saved = errno;
	unlinkat(parent, temporary, 0);
	errno = saved;
	return false;
}
