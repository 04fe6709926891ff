#include "lib/base/stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/number.h"

/* Waits until `fd` is ready for `events`. False with errno (ETIMEDOUT). */
static bool
wait_ready(int fd, short events, int timeout)
{
	int64_t deadline = timeout < 0 ? -1 : clock_ms() + timeout;
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		int n = poll(&p, 1, clock_poll_timeout(deadline));
		if (n > 0)
			return true;
		if (n == 0) {
			errno = ETIMEDOUT;
			return false;
		}
		if (errno != EINTR)
			return false;
	}
}

void
input_open(struct input *in, int fd, int timeout)
{
	in->fd = fd;
	in->timeout = timeout;
	in->budget = -1;
	in->start = in->end = 0;
	in->before_wait = NULL;
	in->context = NULL;
	in->coding = NULL;
}

struct slice
input_buffered(const struct input *in)
{
	return slice_make(in->buffer + in->start, in->end - in->start);
}

void
input_take(struct input *in, size_t len)
{
	in->start += len;
	if (in->start >= in->end)
		in->start = in->end = 0;
}

/* What is waited counts against the budget. False with errno (ETIMEDOUT). */
static bool
wait_input(struct input *in)
{
	if (in->budget < 0)
		return wait_ready(in->fd, POLLIN, in->timeout);
	bool least = in->timeout < 0 || in->budget < in->timeout;
	int64_t begun = clock_ms();
	bool ready = wait_ready(in->fd, POLLIN, least ? in->budget : in->timeout);
	int64_t waited = clock_ms() - begun;
	in->budget = waited < in->budget ? in->budget - (int)waited : 0;
	return ready;
}

/* What is there to be decoded, as far as there is room. -1 with errno. */
static ssize_t
decode_some(struct input *in)
{
	if (in->coding == NULL || in->end == sizeof in->buffer)
		return 0;
	ssize_t n = in->coding->decode(in->coding->state, in->buffer + in->end, sizeof in->buffer - in->end);
	in->end += n > 0 ? (size_t)n : 0;
	return n;
}

bool
input_has(struct input *in)
{
	return in->start < in->end || decode_some(in) != 0;
}

static ssize_t
read_some(struct input *in)
{
	if (in->coding != NULL)
		return in->coding->read(in->coding->state, in->fd);
	ssize_t n = read(in->fd, in->buffer + in->end, sizeof in->buffer - in->end);
	in->end += n > 0 ? (size_t)n : 0;
	return n;
}

/* Coded bytes may be none that can be decoded yet, so it goes on until there is one, or no more come. */
static enum input_result
read_once(struct input *in)
{
	for (;;) {
		if (!wait_input(in))
			return errno == ETIMEDOUT ? INPUT_TIMEOUT : INPUT_ERROR;
		ssize_t n = read_some(in);
		if (n == 0)
			return INPUT_END;
		if (n > 0 && in->coding != NULL)
			n = decode_some(in);
		if (n > 0)
			return INPUT_OK;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return INPUT_ERROR;
	}
}

enum input_result
input_fill(struct input *in)
{
	if (in->end == sizeof in->buffer && in->start > 0) {
		memmove(in->buffer, in->buffer + in->start, in->end - in->start);
		in->end -= in->start;
		in->start = 0;
	}
	ssize_t decoded = decode_some(in);
	if (decoded != 0)
		return decoded > 0 ? INPUT_OK : INPUT_ERROR;
	if (in->before_wait != NULL)
		in->before_wait(in->context);
	if (in->end == sizeof in->buffer)
		return INPUT_TOO_LONG;
	return read_once(in);
}

enum input_result
input_line(struct input *in, size_t most, struct slice *line)
{
	size_t seen = 0;
	for (;;) {
		struct slice have = input_buffered(in);
		size_t at = seen + slice_find(slice_from(have, seen), '\n');
		if (at < have.len && at < most) {
			*line = slice_first(have, at + 1);
			input_take(in, at + 1);
			return INPUT_OK;
		}
		if (have.len >= most)
			return INPUT_TOO_LONG;
		seen = have.len;
		enum input_result r = input_fill(in);
		if (r != INPUT_OK)
			return r;
	}
}

enum input_result
input_some(struct input *in, size_t most, struct slice *bytes)
{
	if (in->start == in->end) {
		enum input_result r = input_fill(in);
		if (r != INPUT_OK)
			return r;
	}
	*bytes = slice_first(input_buffered(in), most);
	input_take(in, bytes->len);
	return INPUT_OK;
}

void
output_open(struct output *out, int fd, int timeout)
{
	out->fd = fd;
	out->timeout = timeout;
	out->len = 0;
	out->failed = false;
	out->into = NULL;
	out->coding = NULL;
}

void
output_open_memory(struct output *out, struct str *into)
{
	output_open(out, -1, 0);
	out->into = into;
}

/*
 * A write that does not block. Where the descriptor is no socket and may be in
 * blocking mode, poll(2) promises room for PIPE_BUF bytes and no more.
 */
static ssize_t
write_some(const struct output *out, const char *bytes, size_t len, bool more)
{
	ssize_t n = send(out->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0));
	if (n >= 0 || errno != ENOTSOCK)
		return n;
	if (!wait_ready(out->fd, POLLOUT, out->timeout))
		return -1;
	return write(out->fd, bytes, len < PIPE_BUF ? len : PIPE_BUF);
}

/* `more`: bytes follow for certain, so that TCP need not send half a segment, nor wake the reader for each buffer. */
static void
send_all(struct output *out, const char *bytes, size_t len, bool more)
{
	if (out->into != NULL && !str_append(out->into, bytes, len))
		out->failed = true;
	while (len > 0 && !out->failed && out->into == NULL) {
		ssize_t n = write_some(out, bytes, len, more);
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EAGAIN)
			out->failed = !wait_ready(out->fd, POLLOUT, out->timeout);
		else if (errno != EINTR)
			out->failed = true;
	}
}

static void
send_coded(void *context, struct slice coded)
{
	send_all(context, coded.data, coded.len, false);
}

/* `whole`: the peer waits for all of it. */
static void
send_buffer(struct output *out, bool whole)
{
	size_t len = out->len;
	out->len = 0;
	if (out->coding == NULL)
		send_all(out, out->buffer, len, !whole);
	else if (!out->failed && !out->coding->encode(out->coding->state, slice_make(out->buffer, len), whole, send_coded, out))
		out->failed = true;
}

void
output_write(struct output *out, const void *bytes, size_t len)
{
	const char *at = bytes;
	while (len > 0 && !out->failed) {
		/* A full one waits until there is more, or the flush. */
		if (out->len == sizeof out->buffer)
			send_buffer(out, false);
		size_t room = sizeof out->buffer - out->len;
		size_t part = len < room ? len : room;
		memcpy(out->buffer + out->len, at, part);
		out->len += part;
		at += part;
		len -= part;
	}
}

void
output_slice(struct output *out, struct slice part)
{
	output_write(out, part.data, part.len);
}

void
output_text(struct output *out, const char *text)
{
	output_write(out, text, strlen(text));
}

void
output_number(struct output *out, uint64_t number)
{
	char room[NUMBER_WIDTH_MOST];
	output_slice(out, number_digits(room, number, 10, 0));
}

void
output_format(struct output *out, const char *format, ...)
{
	char text[2048];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof text) {
		out->failed = true;
		return;
	}
	output_write(out, text, (size_t)len);
}

bool
output_flush(struct output *out)
{
	send_buffer(out, true);
	return !out->failed;
}
