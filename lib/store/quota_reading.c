#include "lib/store/quota_reading.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define LOOK     2 /* ms between two tries for a lock */
#define ATTEMPTS 3

bool
quota_lock(int fd, int kind)
{
	int64_t deadline = clock_ms() + QUOTA_PATIENCE;
	while (flock(fd, kind | LOCK_NB) < 0) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || clock_ms() >= deadline)
			return false;
		poll(NULL, 0, LOOK);
	}
	return true;
}

static bool
is_named(const struct quota_file *f, const struct stat *st)
{
	struct stat named;
	return fstatat(f->directory, f->name, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_ino == st->st_ino &&
	    named.st_dev == st->st_dev;
}

/* Neither through a link nor into a file that bears another name too: a line of ours is nothing for strangers' files. */
static bool
is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_nlink == 1;
}

static int
open_once(const struct quota_file *f, struct stat *st)
{
	int fd = openat(f->directory, f->name, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, st) == 0 && is_ours(st) && quota_lock(fd, LOCK_EX) && fstat(fd, st) == 0)
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

int
quota_open_locked(const struct quota_file *f, struct stat *st)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		int fd = open_once(f, st);
		if (fd < 0 || is_named(f, st))
			return fd;
		close(fd);
	}
	errno = EAGAIN;
	return -1;
}

bool
quota_read_text(int fd, size_t most, struct maildirsize *m)
{
	char    buffer[QUOTA_TEXT_MOST];
	size_t  got = 0;
	ssize_t n;
	while (got < most && (n = pread(fd, buffer + got, most - got, (off_t)got)) != 0) {
		if (n < 0 && errno != EINTR)
			return false;
		got += n > 0 ? (size_t)n : 0;
	}
	return got < most && maildirsize_parse(slice_make(buffer, got), m);
}

bool
quota_has_limit(const struct quota_amount *a)
{
	return a->bytes > 0 || a->messages > 0;
}

/* The limits of the file are ours. One that has been running for long goes by the file's, which deliver renews. */
static bool
limits_agree(struct quota_file *f, const struct maildirsize *m)
{
	if (!quota_has_limit(&f->limits))
		return true;
	if (f->follows && quota_has_limit(&m->limits))
		f->limits = m->limits;
	return m->limits.bytes == f->limits.bytes && m->limits.messages == f->limits.messages;
}

static uint64_t
sum_of(uint64_t a, uint64_t b)
{
	uint64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static bool
is_past(uint64_t used, uint64_t size, uint64_t limit, uint64_t more, uint64_t last)
{
	uint64_t most = sum_of(limit, more);
	if (limit == 0)
		return false;
	return sum_of(used, size) > (used < most ? sum_of(most, last) : most);
}

bool
quota_exceeds(const struct quota_file *f, struct quota_amount size, const struct quota_beyond *b)
{
	if (b->any)
		return false;
	return is_past(f->used.bytes, size.bytes, f->limits.bytes, b->more.bytes, b->last) ||
	    is_past(f->used.messages, size.messages, f->limits.messages, b->more.messages, 0);
}

/* Maildir++: "over" is believed of what was counted within the last minutes, and was not changed since. */
static bool
may_refuse(const struct quota_file *f, const struct reading *r)
{
	int64_t age = clock_unix() - (int64_t)r->st.st_mtime;
	return r->text.lines == 1 && age >= -1 && age < f->doubt;
}

static bool
is_fresh(const struct quota_file *f, const struct maildirsize *m)
{
	int64_t age = clock_unix() - (int64_t)m->counted;
	return f->life == 0 || (m->counted > 0 && age >= -1 && age < f->life);
}

bool
quota_reading_begin(struct quota_file *f, struct quota_amount size, const struct quota_beyond *b, struct reading *r)
{
	r->fd = quota_open_locked(f, &r->st);
	if (r->fd < 0)
		return false;
	if (quota_read_text(r->fd, MAILDIRSIZE_MOST, &r->text) && limits_agree(f, &r->text) && is_fresh(f, &r->text)) {
		f->used = f->before = r->text.used;
		f->known = true;
		f->follows = true;
		if (!quota_exceeds(f, size, b) || may_refuse(f, r))
			return true;
	}
	close(r->fd);
	return false;
}
