#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
read_open(int fd, size_t most, size_t *len)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return NULL;
	}
	if (st.st_size < 0 || (unsigned long long)st.st_size > most) {
		errno = EFBIG;
		return NULL;
	}
	size_t wanted = (size_t)st.st_size;
	char *content = malloc(wanted + 1);
	if (content == NULL)
		return NULL;
	size_t got = 0;
	while (got < wanted) {
		ssize_t n = read(fd, content + got, wanted - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(content);
			return NULL;
		}
		if (n == 0)
			break;
		got += (size_t)n;
	}
	content[got] = '\0';
	*len = got;
	return content;
}

char *
file_read_whole(int directory, const char *name, size_t most, size_t *len)
{
	/* O_NONBLOCK: a FIFO of that name must not hold us up. */
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	char *content = read_open(fd, most, len);
	int saved = errno;
	close(fd);
	errno = saved;
	return content;
}

bool
file_write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;
	while (len > 0) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool
file_read_at(int fd, void *bytes, size_t len, off_t offset)
{
	char *at = bytes;
	while (len > 0) {
		ssize_t n = pread(fd, at, len, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0) {
			errno = EIO;
			return false;
		}
		at += n;
		offset += n;
		len -= (size_t)n;
	}
	return true;
}

bool
file_write_at(int fd, const void *bytes, size_t len, off_t offset)
{
	const char *at = bytes;
	while (len > 0) {
		ssize_t n = pwrite(fd, at, len, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += n;
		offset += n;
		len -= (size_t)n;
	}
	return true;
}

bool
file_sync_directory(int directory)
{
	/* `directory` may be an O_PATH descriptor, which fsync refuses. */
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool ok = fsync(fd) == 0;
	int saved = errno;
	close(fd);
	errno = saved;
	return ok;
}
