#include "lib/store/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/store/directory.h"

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

static bool
make_file(struct save *s)
{
	s->fd = openat(s->tmp, s->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return s->fd >= 0;
}

bool
save_begin(struct save *s, const struct folder *f)
{
	begin(s, f);
	return make_file(s);
}

bool
save_begin_copy(struct save *s, const struct folder *f, uint64_t identity)
{
	begin(s, f);
	name_unique_copy(s->name, identity);
	return make_file(s);
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

void
save_failed(struct save *s)
{
	if (s->trouble == 0)
		s->trouble = errno != 0 ? errno : EIO;
}

static void
flush(struct save *s)
{
	if (s->trouble == 0 && !file_write_all(s->fd, s->buffer, s->used))
		save_failed(s);
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

void
save_abort(struct save *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	unlinkat(s->tmp, s->name, 0);
}
