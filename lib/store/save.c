#include "lib/store/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/store/directory.h"
#include "lib/store/index.h"
#include "lib/store/settle.h"

static void
begin(struct save *s, const struct folder *f)
{
	memset(s, 0, offsetof(struct save, buffer));
	s->fd = -1;
	s->tmp = f->tmp;
	s->directory = f->directory;
	s->fresh = f->fresh;
	s->cur = f->cur;
	name_unique(s->name);
}

bool
save_begin(struct save *s, const struct folder *f)
{
	begin(s, f);
	s->fd = openat(s->tmp, s->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return s->fd >= 0;
}

bool
save_begin_shared(struct save *s, const struct folder *f, struct save *other)
{
	begin(s, f);
	save_complete(other);
	s->fd = other->trouble == 0 ? fcntl(other->fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (s->fd < 0)
		return false;
	if (linkat(other->tmp, other->name, s->tmp, s->name, 0) < 0) {
		s->fd = directory_close(s->fd);
		return false;
	}
	s->shared = other;
	s->size = other->size;
	s->wire_size = other->wire_size;
	return true;
}

static void
fail(struct save *s)
{
	if (s->trouble == 0)
		s->trouble = errno != 0 ? errno : EIO;
}

static void
flush(struct save *s)
{
	if (s->trouble == 0 && !file_write_all(s->fd, s->buffer, s->used))
		fail(s);
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

void
save_complete(struct save *s)
{
	close_carriage(s, false);
	flush(s);
}

static bool
set_date(int fd, time_t date)
{
	if (date == 0)
		return true;
	const struct timespec times[2] = {{.tv_sec = date}, {.tv_sec = date}};
	return futimens(fd, times) == 0;
}

/* --- the steps of a group ---------------------------------------------------------- */

/* All bytes and the date are the kernel's. */
static void
hand_over(struct save *s)
{
	save_complete(s);
	if (s->trouble == 0 && s->shared == NULL && !set_date(s->fd, s->date))
		fail(s);
}

static int
directory_of(const struct save *s)
{
	return s->place == SAVE_CUR ? s->cur : s->fresh;
}

/* The name in the folder: with sizes, in cur/ with the info. */
static bool
final_name(const struct save *s, char into[NAME_MOST + 1])
{
	char base[NAME_MOST + 1];
	memcpy(base, s->name, sizeof base);
	name_add_sizes(base, s->size, s->wire_size);
	errno = ENAMETOOLONG;
	if (s->place == SAVE_CUR)
		return name_build(into, slice_of(base), slice_make(NULL, 0), s->flags, s->keywords);
	memcpy(into, base, sizeof base);
	return true;
}

/* The one step. tmp/ still bears the name without sizes. */
static void
move(struct save *s)
{
	char to[NAME_MOST + 1];
	struct stat st;
	if (!final_name(s, to) || fstat(directory_of(s), &st) < 0) {
		fail(s);
		return;
	}
	s->device = st.st_dev;
	s->inode = st.st_ino;
	s->moved = renameat(s->tmp, s->name, directory_of(s), to) == 0;
	if (!s->moved)
		fail(s);
}

static bool
has_own_file(const struct save *s)
{
	return s->trouble == 0 && s->shared == NULL;
}

/* The files, each once: one that is shared is its first owner's. */
static void
settle_files(struct save *const *all, size_t count)
{
	int fds[SAVES_MOST] = {-1}, errors[SAVES_MOST];
	size_t n = 0;
	for (size_t i = 0; i < count; i++)
		if (has_own_file(all[i]))
			fds[n++] = all[i]->fd;
	settle_all(fds, errors, n);
	n = 0;
	for (size_t i = 0; i < count; i++)
		if (has_own_file(all[i]))
			all[i]->trouble = errors[n++];
	for (size_t i = 0; i < count; i++)
		if (all[i]->shared != NULL && all[i]->trouble == 0)
			all[i]->trouble = all[i]->shared->trouble;
}

/* The first of those that were moved to the same directory. */
static size_t
first_there(struct save *const *all, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (all[i]->moved && all[i]->inode == all[at]->inode && all[i]->device == all[at]->device)
			return i;
	return at;
}

/* The directories, each once. */
static void
settle_names(struct save *const *all, size_t count)
{
	int fds[SAVES_MOST] = {-1}, errors[SAVES_MOST];
	size_t n = 0, place[SAVES_MOST];
	for (size_t i = 0; i < count; i++) {
		if (!all[i]->moved)
			continue;
		size_t first = first_there(all, i);
		place[i] = first < i ? place[first] : n;
		if (first == i)
			fds[n++] = directory_of(all[i]);
	}
	settle_all(fds, errors, n);
	for (size_t i = 0; i < count; i++)
		if (all[i]->moved)
			all[i]->trouble = errors[place[i]];
}

/* A message that was never larger than the buffer is still in it. */
static void
tell_index(const struct save *s)
{
	struct index_delivery d = {.directory = s->directory, .file = s->fd, .base = s->name, .wire_size = s->wire_size};
	if (s->size <= SAVE_BUFFER)
		d.text = slice_make(s->shared != NULL ? s->shared->buffer : s->buffer, (size_t)s->size);
	index_deliver(&d);
}

/* Nothing is left of what failed: not known to be durable, a second try would make two of it. */
static void
end(struct save *s)
{
	char to[NAME_MOST + 1];
	bool named = final_name(s, to);
	if (s->trouble != 0 && !s->moved)
		unlinkat(s->tmp, s->name, 0);
	else if (s->trouble != 0 && named)
		unlinkat(directory_of(s), to, 0);
	else if (s->trouble == 0) {
		name_add_sizes(s->name, s->size, s->wire_size);
		tell_index(s);
	}
	close(s->fd);
	s->fd = -1;
}

void
save_finish_all(struct save *const *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hand_over(all[i]);
	settle_files(all, count);
	for (size_t i = 0; i < count; i++)
		if (all[i]->trouble == 0)
			move(all[i]);
	settle_names(all, count);
	for (size_t i = 0; i < count; i++)
		end(all[i]);
}

bool
save_finish(struct save *s, enum save_place place, uint8_t flags, uint32_t keywords, time_t date)
{
	s->place = place;
	s->flags = flags;
	s->keywords = keywords;
	s->date = date;
	save_finish_all(&s, 1);
	errno = s->trouble;
	return s->trouble == 0;
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
