#include "lib/store/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/store/index.h"

bool
save_begin(struct save *s, const struct folder *f)
{
	s->tmp = f->tmp;
	s->directory = f->directory;
	s->fresh = f->fresh;
	s->cur = f->cur;
	s->failed = s->carriage = false;
	s->trouble = 0;
	s->size = s->wire_size = 0;
	s->used = 0;
	name_unique(s->name);
	s->fd = openat(s->tmp, s->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return s->fd >= 0;
}

static void
flush(struct save *s)
{
	if (!s->failed && !file_write_all(s->fd, s->buffer, s->used)) {
		s->failed = true;
		s->trouble = errno;
	}
	s->used = 0;
}

static void
put(struct save *s, const char *bytes, size_t len)
{
	s->size += len;
	while (len > 0) {
		if (s->used == SAVE_BUFFER)
			flush(s);
		size_t part = SAVE_BUFFER - s->used < len ? SAVE_BUFFER - s->used : len;
		memcpy(s->buffer + s->used, bytes, part);
		s->used += part;
		bytes += part;
		len -= part;
	}
}

/* A CR that the last byte left open: it goes when LF follows, else it is data. */
static void
close_carriage(struct save *s, bool line_ends)
{
	if (s->carriage && !line_ends) {
		put(s, "\r", 1);
		s->wire_size++;
	}
	s->carriage = false;
}

/* A run without LF. */
static void
put_run(struct save *s, const char *run, size_t len)
{
	if (len == 0)
		return;
	close_carriage(s, false);
	if (run[len - 1] == '\r') {
		s->carriage = true;
		len--;
	}
	put(s, run, len);
	s->wire_size += len;
}

void
save_write(struct save *s, const void *bytes, size_t len)
{
	const char *at = bytes, *end = at + len;
	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		put_run(s, at, (size_t)((lf != NULL ? lf : end) - at));
		if (lf == NULL)
			return;
		close_carriage(s, true);
		put(s, "\n", 1);
		s->wire_size += 2;
		at = lf + 1;
	}
}

static bool
set_date(int fd, time_t date)
{
	if (date == 0)
		return true;
	const struct timespec times[2] = {{.tv_sec = date}, {.tv_sec = date}};
	return futimens(fd, times) == 0;
}

/* All bytes and the date are on the disk. */
static bool
settle(struct save *s, time_t date)
{
	close_carriage(s, false);
	flush(s);
	if (s->failed) {
		errno = s->trouble;
		return false;
	}
	return set_date(s->fd, date) && fsync(s->fd) == 0;
}

/* The name in the folder: in cur/ with the info. */
static bool
final_name(const struct save *s, enum save_place place, uint8_t flags, uint32_t keywords, char *into)
{
	errno = ENAMETOOLONG;
	if (place == SAVE_CUR)
		return name_build(into, slice_of(s->name), slice_make(NULL, 0), flags, keywords);
	memcpy(into, s->name, strlen(s->name) + 1);
	return true;
}

/* The one step. tmp/ still bears the name without sizes. */
static bool
move(struct save *s, enum save_place place, const char *from, const char *to)
{
	int directory = place == SAVE_CUR ? s->cur : s->fresh;
	if (renameat(s->tmp, from, directory, to) < 0)
		return false;
	if (fsync(directory) == 0)
		return true;
	/* Not known to be durable: take it back, so that a second try does not make two of it. */
	int saved = errno;
	unlinkat(directory, to, 0);
	errno = saved;
	return false;
}

/* A message that was never larger than the buffer is still in it. */
static void
tell_index(const struct save *s)
{
	struct index_delivery d = {.directory = s->directory, .file = s->fd, .base = s->name, .wire_size = s->wire_size};
	if (s->size <= SAVE_BUFFER)
		d.text = slice_make(s->buffer, (size_t)s->size);
	index_deliver(&d);
}

bool
save_finish(struct save *s, enum save_place place, uint8_t flags, uint32_t keywords, time_t date)
{
	char from[NAME_MOST + 1], to[NAME_MOST + 1];
	memcpy(from, s->name, sizeof from);
	bool ok = settle(s, date);
	if (ok) {
		name_add_sizes(s->name, s->size, s->wire_size);
		ok = final_name(s, place, flags, keywords, to) && move(s, place, from, to);
	}
	int saved = errno;
	if (ok)
		tell_index(s);
	close(s->fd);
	s->fd = -1;
	if (!ok)
		unlinkat(s->tmp, from, 0);
	errno = saved;
	return ok;
}

void
save_abort(struct save *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	unlinkat(s->tmp, s->name, 0);
}
