#include "lib/store/index_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/random.h"
#include "lib/store/directory.h"

#define MAGIC    "POSTIDX3"
#define LOOK     2  /* ms */
#define ATTEMPTS 3  /* a state that is being written meanwhile */
#define REPLACED 8  /* how often the file may be replaced while its lock is waited for */

/* --- the state --------------------------------------------------------------------- */

static uint64_t
state_sum(const struct index_state *s)
{
	return index_sum(s->id, s, offsetof(struct index_state, sum));
}

static bool
read_state(int fd, struct index_state *s)
{
	if (!file_read_at(fd, s, sizeof *s, 0))
		return false;
	bool ok = memcmp(s->magic, MAGIC, sizeof s->magic) == 0 && s->sum == state_sum(s) && s->end >= sizeof *s;
	errno = EINVAL;
	return ok && s->modseq <= s->bound && s->bound <= INT64_MAX && s->uidvalidity != 0;
}

bool
index_file_reread(struct index_file *x)
{
	struct index_state s;
	for (int i = 0; i < ATTEMPTS; i++) {
		if (read_state(x->fd, &s)) {
			x->state = s;
			return true;
		}
		if (i > 0)
			poll(NULL, 0, 1);
	}
	return false;
}

bool
index_file_commit(struct index_file *x)
{
	memcpy(x->state.magic, MAGIC, sizeof x->state.magic);
	x->state.sum = state_sum(&x->state);
	return file_write_at(x->fd, &x->state, sizeof x->state, 0);
}

/* --- opening ----------------------------------------------------------------------- */

static bool
open_named(struct index_file *x, int directory, int flags)
{
	struct stat st;
	*x = (struct index_file){.fd = -1};
	x->fd = openat(directory, INDEX_NAME, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600);
	if (x->fd < 0 || fstat(x->fd, &st) < 0)
		return false;
	x->inode = st.st_ino;
	if (S_ISREG(st.st_mode))
		return true;
	x->fd = directory_close(x->fd);
	errno = EINVAL;
	return false;
}

bool
index_file_open(struct index_file *x, int directory)
{
	return open_named(x, directory, 0) && index_file_reread(x);
}

void
index_file_close(struct index_file *x)
{
	directory_close(x->fd);
	index_file_spare(x);
	*x = (struct index_file){.fd = -1};
}

bool
index_file_current(const struct index_file *x, int directory)
{
	struct stat st;
	return x->fd >= 0 && fstatat(directory, INDEX_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == x->inode
	    && S_ISREG(st.st_mode);
}

static bool
wait_for_lock(int fd, int64_t deadline)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK || clock_ms() >= deadline)
			return false;
		poll(NULL, 0, LOOK);
	}
	return true;
}

/* Something else of that name (a link, a directory) is put away when that can be; the file is made. */
static bool
open_or_make(struct index_file *x, int directory)
{
	if (open_named(x, directory, O_CREAT))
		return true;
	if (errno != ELOOP && errno != EINVAL && errno != ENXIO)
		return false;
	return unlinkat(directory, INDEX_NAME, 0) == 0 && open_named(x, directory, O_CREAT);
}

bool
index_file_lock(struct index_file *x, int directory, int patience, bool *sound)
{
	int64_t deadline = clock_ms() + patience;
	for (int i = 0; i < REPLACED; i++) {
		if (!index_file_current(x, directory)) {
			index_file_close(x);
			if (!open_or_make(x, directory))
				return false;
		}
		if (!wait_for_lock(x->fd, deadline))
			return false;
		if (index_file_current(x, directory)) {
			*sound = index_file_reread(x);
			return true;
		}
		index_file_unlock(x);
	}
	errno = EAGAIN;
	return false;
}

void
index_file_unlock(const struct index_file *x)
{
	int saved = errno;
	flock(x->fd, LOCK_UN);
	errno = saved;
}

/* --- replacing --------------------------------------------------------------------- */

bool
index_file_begin(struct index_file *made, int directory)
{
	*made = (struct index_file){.fd = -1};
	/* Only the holder of the lock makes one: this is left of one that was killed. */
	if (unlinkat(directory, INDEX_TEMPORARY, 0) < 0 && errno != ENOENT)
		return false;
	made->fd = openat(directory, INDEX_TEMPORARY, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;
	if (made->fd < 0 || fstat(made->fd, &st) < 0 || flock(made->fd, LOCK_EX | LOCK_NB) < 0)
		return false;
	made->inode = st.st_ino;
	made->state = (struct index_state){.id = random_number(), .end = sizeof made->state};
	return true;
}

bool
index_file_replace(struct index_file *x, struct index_file *made, int directory)
{
	if (!index_file_commit(made) || renameat(directory, INDEX_TEMPORARY, directory, INDEX_NAME) < 0)
		return false;
	index_file_close(x);
	*x = *made;
	*made = (struct index_file){.fd = -1};
	return true;
}
