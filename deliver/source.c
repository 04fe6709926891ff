#include "deliver/source.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
measure(struct source *s, uint64_t offset, uint64_t length)
{
	struct stat st;
	if (fstat(s->fd, &st) < 0)
		return false;
	errno = EIO;
	if (!S_ISREG(st.st_mode) || offset > (uint64_t)st.st_size)
		return false;
	uint64_t there = (uint64_t)st.st_size - offset;
	if (length != UINT64_MAX && length > there)
		return false;
	s->device = st.st_dev;
	s->inode = st.st_ino;
	s->at = (off_t)offset;
	s->end = s->at + (off_t)(length < there ? length : there);
	return true;
}

/* As much as the buffer holds, or less at the end. */
static bool
fill(struct source *s)
{
	size_t got = 0;
	while (got < sizeof s->buffer && !s->ended) {
		size_t room = sizeof s->buffer - got;
		if (!s->stream && (off_t)room > s->end - s->at)
			room = (size_t)(s->end - s->at);
		ssize_t n = s->stream ? read(s->fd, s->buffer + got, room) : pread(s->fd, s->buffer + got, room, s->at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0 && !s->stream && room > 0) {
			errno = EIO; /* somebody made the file shorter */
			return false;
		}
		got += (size_t)n;
		s->at += n;
		s->ended = s->stream ? n == 0 : s->at == s->end;
	}
	s->part = slice_make(s->buffer, got);
	return true;
}

bool
source_begin(struct source *s, int fd, bool stream, uint64_t offset, uint64_t length)
{
	s->fd = fd;
	s->stream = stream;
	s->ended = false;
	s->at = s->end = 0;
	if (!stream && !measure(s, offset, length))
		return false;
	if (!fill(s))
		return false;
	if (stream && slice_starts(s->part, "From "))
		s->part = slice_from(s->part, slice_find(s->part, '\n') + 1);
	return true;
}

bool
source_next(struct source *s)
{
	errno = 0;
	return !s->ended && fill(s) && s->part.len > 0;
}
