#include "lib/store/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/host.h"
#include "lib/base/slice.h"
#include "lib/store/directory.h"

#define HOST_MOST 64
#define YOUNG     120 /* seconds: no sync takes longer */

/*
 * Takes the next level of a path. Walking level by level with O_NOFOLLOW is
 * what openat2's RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS would do, works on
 * every kernel and in every seccomp filter, and is one code path.
 */
static bool
next_level(struct slice *rest, char level[NAME_MAX + 1])
{
	struct slice part;
	do {
		if (!slice_split(rest, '/', &part))
			return false;
	} while (part.len == 0);
	size_t len = part.len <= NAME_MAX ? part.len : NAME_MAX;
	memcpy(level, part.data, len);
	level[len] = '\0';
	return true;
}

static bool
path_ok(struct slice path)
{
	if (path.len == 0 || path.len > PATH_MAX || path.data[0] == '/')
		return false;
	struct slice rest = path, part;
	size_t levels = 0;
	while (slice_split(&rest, '/', &part)) {
		if (part.len > NAME_MAX || slice_is(part, ".") || slice_is(part, ".."))
			return false;
		levels += part.len > 0;
	}
	return levels > 0;
}

static int
walk(int from, struct slice path, bool create)
{
	char level[NAME_MAX + 1];
	int at = from;
	while (next_level(&path, level)) {
		int next = directory_open(at, level, create);
		if (at != from)
			directory_close(at);
		if (next < 0)
			return -1;
		at = next;
	}
	return at;
}

/* cur, new and tmp of INBOX. */
static bool
make_inbox(int root)
{
	static const char *const parts[] = {"tmp", "new", "cur"};
	for (int i = 0; i < 3; i++) {
		int fd = directory_open(root, parts[i], true);
		if (fd < 0)
			return false;
		close(fd);
	}
	return true;
}

static bool
open_root(struct maildir *m, int mail_root, const char *path, bool create)
{
	m->root = -1;
	if (!path_ok(slice_of(path))) {
		errno = EINVAL;
		return false;
	}
	m->root = walk(mail_root, slice_of(path), create);
	return m->root >= 0;
}

bool
maildir_make(struct maildir *m, int mail_root, const char *path)
{
	return open_root(m, mail_root, path, true);
}

bool
maildir_open(struct maildir *m, int mail_root, const char *path, bool create)
{
	/* The usual case first: all is there, nothing is made. */
	if (open_root(m, mail_root, path, false))
		return true;
	if (errno != ENOENT || !create || !maildir_make(m, mail_root, path))
		return false;
	if (make_inbox(m->root))
		return true;
	m->root = directory_close(m->root);
	return false;
}

bool
maildir_is_young(int directory)
{
	struct statx st;
	/* Not every libc has statx(3). */
	if (syscall(SYS_statx, directory, "", AT_EMPTY_PATH, STATX_BTIME, &st) < 0 || (st.stx_mask & STATX_BTIME) == 0)
		return true;
	int64_t age = clock_unix() - (int64_t)st.stx_btime.tv_sec;
	return age < YOUNG; /* a time to come, too: the clock was set back */
}

bool
maildir_sync_way(const struct maildir *m, int mail_root, const char *path)
{
	char level[NAME_MAX + 1];
	struct slice rest = slice_of(path);
	int at = mail_root;
	bool ok = file_sync_directory(m->root);
	while (ok && next_level(&rest, level)) {
		ok = file_sync_directory(at);
		int next = ok ? directory_open(at, level, false) : -1;
		if (at != mail_root)
			directory_close(at);
		if (next < 0)
			return false;
		at = next;
	}
	if (at != mail_root)
		directory_close(at);
	return ok;
}

void
maildir_close(struct maildir *m)
{
	m->root = directory_close(m->root);
}

/* '/' and ':' mean something in a name, ',' begins a size: written in octal, as the Maildir page says. */
static void
put_host(char *into, const char *name)
{
	size_t len = 0;
	for (; *name != '\0' && len + 5 < HOST_MOST; name++) {
		unsigned char byte = (unsigned char)*name;
		bool plain = byte > ' ' && byte < 127 && strchr("/:,\\", byte) == NULL;
		if (plain) {
			into[len++] = (char)byte;
			continue;
		}
		into[len++] = '\\';
		for (int shift = 6; shift >= 0; shift -= 3)
			into[len++] = (char)('0' + (byte >> shift & 7));
	}
	into[len] = '\0';
}

static char host[HOST_MOST]; /* "" until it is known */

const char *
maildir_host(void)
{
	if (host[0] == '\0')
		put_host(host, host_name());
	return host;
}
