#include "lib/sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/log.h"

/*
 * The kernel's interface by number: Debian 12's headers are older than the
 * kernels that the suite runs on, and musl has none.
 */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

#define RULESET_VERSION   1u
#define RULE_PATH_BENEATH 1

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,     /* version 2 */
	FS_TRUNCATE = 1 << 14,  /* version 3 */
	FS_IOCTL_DEV = 1 << 15, /* version 5 */
};

#define NET_TCP_BOTH 3u /* bind and connect, version 4 */
#define SCOPE_BOTH   3u /* abstract Unix sockets and signals, version 6 */

#define FS_READ  (FS_READ_FILE | FS_READ_DIR)
#define FS_WRITE (FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_REFER | FS_TRUNCATE)
/* What a rule on a file (not a directory) may hold. */
#define FS_OF_FILE (FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t  fd;
} __attribute__((packed));

/* Which accesses a version of Landlock knows, and how long its struct is. */
static struct ruleset
known_to(long version, bool internet, size_t *size)
{
	struct ruleset r = {.fs = FS_REFER - 1};
	if (version >= 2)
		r.fs |= FS_REFER;
	if (version >= 3)
		r.fs |= FS_TRUNCATE;
	if (version >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (version >= 4 && !internet)
		r.net = NET_TCP_BOTH;
	if (version >= 6)
		r.scoped = SCOPE_BOTH;
	*size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
	return r;
}

static bool
add_path(int ruleset, const struct sandbox_path *p, uint64_t known)
{
	int fd = p->path != NULL ? open(p->path, O_PATH | O_CLOEXEC) : p->fd;
	if (fd < 0)
		return false;
	struct stat st;
	uint64_t allowed = p->write ? FS_READ | FS_WRITE : FS_READ;
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		allowed &= FS_OF_FILE;
	struct path_rule rule = {.allowed = allowed & known, .fd = fd};
	bool ok = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0;
	int saved = errno;
	if (p->path != NULL)
		close(fd);
	errno = saved;
	if (!ok)
		log_error("landlock-path", log_text("path", p->path != NULL ? p->path : "(descriptor)"), log_errno());
	return ok;
}

static bool
restrict_to(int ruleset, const struct sandbox_path *paths, size_t count, uint64_t known)
{
	for (size_t i = 0; i < count; i++)
		if (!add_path(ruleset, &paths[i], known))
			return false;
	return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}

bool
landlock_enter(const struct contract *c, const struct sandbox_path *paths, size_t count)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, RULESET_VERSION);
	if (version < 1) {
		log_warning("no-landlock", log_text("hint", "this kernel does not confine files (Linux 5.13 with Landlock does); going on without"));
		return true;
	}
	size_t size;
	struct ruleset r = known_to(version, (c->calls & CALLS_INTERNET) != 0, &size);
	int fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd < 0)
		return false;
	bool ok = restrict_to(fd, paths, count, r.fs);
	int saved = errno;
	close(fd);
	errno = saved;
	return ok;
}
