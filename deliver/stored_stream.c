#include "deliver/stored_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/random.h"
#include "lib/store/directory.h"

/* Where the file system knows no file without a name (O_TMPFILE), its name is taken away at once. */
static int
make_file(int mail_root)
{
	char letters[21], name[64];
	int fd = openat(mail_root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	random_letters(letters, sizeof letters - 1);
	snprintf(name, sizeof name, ".postern-stream.%s", letters);
	fd = openat(mail_root, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		unlinkat(mail_root, name, 0);
	return fd;
}

int
stored_stream(struct source *s, int mail_root, int fd)
{
	int file = make_file(mail_root);
	if (file < 0 || !source_begin(s, fd, true, 0, UINT64_MAX))
		return directory_close(file);
	bool ok;
	do
		ok = file_write_all(file, s->part.data, s->part.len);
	while (ok && source_next(s));
	return ok && errno == 0 ? file : directory_close(file);
}
