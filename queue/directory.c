#include "queue/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/base/random.h"
#include "queue/ended.h"
#include "queue/id.h"

#define PART_LETTER  8   /* changes about every ms */
#define LOCK_EVERY   20  /* ms */
#define SCRATCH_NAME "scratch"
#define STARTS_NAME  "starts"
#define STARTS_LEN   21

static bool
trouble(const struct queue_directory *d, const char *what)
{
	log_error("queue-directory", log_text("directory", d->path), log_text("step", what), log_errno(),
	    log_text("hint", "make it, owned by postern-queue, mode 0700 (setting queue_directory)"));
	return false;
}

static int
open_part(const struct queue_directory *d, const char *name)
{
	if (mkdirat(d->root, name, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(d->root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool
open_parts(struct queue_directory *d)
{
	static const char letters[] = "234567abcdefghijklmnopqrstuvwxyz";
	for (int i = 0; i < DIRECTORY_PARTS; i++) {
		char name[2] = {letters[i], '\0'};
		d->parts[i] = open_part(d, name);
		if (d->parts[i] < 0)
			return trouble(d, name);
	}
	d->damaged = open_part(d, "damaged");
	if (d->damaged < 0)
		return trouble(d, "damaged");
	d->journal = open_part(d, "journal");
	if (d->journal < 0)
		return trouble(d, "journal");
	/* Always: one who made them may have died before he came to this. */
	if (fsync(d->root) < 0)
		return trouble(d, "fsync");
	return true;
}

bool
queue_directory_open(struct queue_directory *d, const char *path)
{
	d->path = path;
	d->lock = d->damaged = d->journal = -1;
	memset(d->parts, -1, sizeof d->parts);
	d->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->root < 0)
		return trouble(d, "open");
	return open_parts(d);
}

bool
queue_directory_lock(struct queue_directory *d, int64_t patience)
{
	d->lock = openat(d->root, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (d->lock < 0)
		return trouble(d, "lock");
	int64_t deadline = clock_ms() + patience;
	while (flock(d->lock, LOCK_EX | LOCK_NB) < 0) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || clock_ms() >= deadline) {
			log_error("queue-locked", log_text("directory", d->path), log_errno(),
			    log_text("hint", "another postern-queued is at work there"));
			return false;
		}
		poll(NULL, 0, LOCK_EVERY);
	}
	return true;
}

void
queue_directory_close(struct queue_directory *d)
{
	for (int i = 0; i < DIRECTORY_PARTS; i++)
		close(d->parts[i]);
	close(d->damaged);
	close(d->journal);
	close(d->root);
	if (d->lock >= 0)
		close(d->lock);
	d->lock = -1;
}

unsigned
queue_directory_part(uint64_t id)
{
	return (unsigned)(id >> 5 * (ID_LETTERS - 1 - PART_LETTER)) & (DIRECTORY_PARTS - 1);
}

int
queue_directory_open_file(const struct queue_directory *d, uint64_t id, int flags)
{
	char name[ID_LETTERS + 1];
	id_print(id, name);
	return openat(d->parts[queue_directory_part(id)], name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
}

int
queue_directory_create(const struct queue_directory *d, uint64_t id)
{
	return queue_directory_open_file(d, id, O_RDWR | O_CREAT | O_EXCL);
}

/* A file without a name; one that loses its name at once where the file system knows no such files. */
int
queue_directory_scratch(const struct queue_directory *d)
{
	int fd = openat(d->root, ".", O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	unlinkat(d->root, SCRATCH_NAME, 0);
	fd = openat(d->root, SCRATCH_NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		unlinkat(d->root, SCRATCH_NAME, 0);
	return fd;
}

bool
queue_directory_remove(const struct queue_directory *d, uint64_t id)
{
	ended_note(id);
	return queue_directory_sweep(d, id);
}

bool
queue_directory_sweep(const struct queue_directory *d, uint64_t id)
{
	char name[ID_LETTERS + 1];
	id_print(id, name);
	return unlinkat(d->parts[queue_directory_part(id)], name, 0) == 0;
}

bool
queue_directory_set_aside(const struct queue_directory *d, uint64_t id)
{
	char name[ID_LETTERS + 1];
	id_print(id, name);
	return renameat(d->parts[queue_directory_part(id)], name, d->damaged, name) == 0;
}

bool
queue_directory_sync(const struct queue_directory *d, uint64_t id)
{
	return fsync(d->parts[queue_directory_part(id)]) == 0;
}

bool
queue_directory_room(const struct queue_directory *d, uint64_t *bytes, uint64_t *inodes)
{
	struct statvfs v;
	if (fstatvfs(d->root, &v) < 0)
		return false;
	*bytes = (uint64_t)v.f_bavail * v.f_frsize;
	/* A file system that makes inodes as it needs them says 0 of 0. */
	*inodes = v.f_files == 0 ? UINT64_MAX : v.f_favail;
	return true;
}

/* The number is changed in place: 20 digits and LF. */
static bool
count_up(int root, int fd, uint64_t *number)
{
	char line[STARTS_LEN + 1] = "";
	ssize_t n = pread(fd, line, STARTS_LEN, 0);
	if (n < 0 || (n > 0 && !number_parse(slice_make(line, STARTS_LEN - 1), UINT64_MAX - 1, number)))
		return false;
	*number = n > 0 ? *number + 1 : 1;
	snprintf(line, sizeof line, "%020llu\n", (unsigned long long)*number);
	return file_write_at(fd, line, STARTS_LEN, 0) && fsync(fd) == 0 && fsync(root) == 0;
}

uint64_t
queue_directory_count_start(const struct queue_directory *d)
{
	uint64_t number;
	int fd = openat(d->root, STARTS_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && count_up(d->root, fd, &number);
	if (!ok)
		log_error("starts-not-counted", log_text("file", STARTS_NAME), log_errno(), log_text("hint", "delete it when it is damaged"));
	if (fd >= 0)
		close(fd);
	return ok ? number : random_number();
}

static bool
scan_part(int part, unsigned number, bool (*each)(void *, uint64_t), void *context)
{
	int fd = openat(part, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
	if (names == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	bool ok = true;
	errno = 0;
	for (struct dirent *e; ok && (e = readdir(names)) != NULL; errno = 0) {
		uint64_t id;
		if (id_parse(slice_of(e->d_name), &id) && queue_directory_part(id) == number)
			ok = each(context, id);
		else if (e->d_name[0] != '.')
			log_warning("stranger-in-queue", log_text("file", e->d_name));
	}
	ok = ok && errno == 0;
	closedir(names);
	return ok;
}

bool
queue_directory_scan(const struct queue_directory *d, bool (*each)(void *, uint64_t), void *context)
{
	for (unsigned i = 0; i < DIRECTORY_PARTS; i++)
		if (!scan_part(d->parts[i], i, each, context))
			return false;
	return true;
}

static bool
add_id(void *context, uint64_t id)
{
	struct directory_ids *found = context;
	if (found->count == found->room) {
		size_t room = found->room == 0 ? 1024 : found->room * 2;
		uint64_t *ids = reallocarray(found->ids, room, sizeof *ids);
		if (ids == NULL)
			return false;
		found->ids = ids;
		found->room = room;
	}
	found->ids[found->count++] = id;
	return true;
}

bool
queue_directory_ids(const struct queue_directory *d, struct directory_ids *found)
{
	found->count = 0;
	return queue_directory_scan(d, add_id, found);
}
