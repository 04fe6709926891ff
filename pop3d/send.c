/* A message on its way out: LF becomes CRLF, a line that begins with a dot gets a second one (RFC 1939 section 3). */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/mail/address.h"
#include "lib/mail/crlf.h"
#include "pop3d/session.h"

#define PIECE 4096 /* bytes that are converted at a time */

struct sending {
	struct output *out;
	size_t         lines;      /* of the body that are still to go; SIZE_MAX: all, uncounted */
	uint64_t       read, size; /* bytes of the file so far, and in all */
	bool           line_start; /* the next byte begins a line */
	bool           in_body;
	bool           carriage;   /* the last byte was CR */
	bool           empty_line; /* nothing but CR in this line so far */
};

static void
end_line(struct sending *g)
{
	output_text(g->out, g->carriage ? "\n" : "\r\n");
	if (g->in_body)
		g->lines -= g->lines > 0;
	else if (g->empty_line)
		g->in_body = true;
	g->line_start = g->empty_line = true;
	g->carriage = false;
}

/* A run without LF. */
static void
send_run(struct sending *g, struct slice run)
{
	if (run.len == 0)
		return;
	if (g->line_start && run.data[0] == '.')
		output_text(g->out, ".");
	output_slice(g->out, run);
	g->line_start = false;
	g->carriage = run.data[run.len - 1] == '\r';
	g->empty_line = g->empty_line && slice_is(run, "\r");
}

static bool
is_done(const struct sending *g)
{
	return (g->in_body && g->lines == 0) || g->out->failed;
}

/* --- whole messages ------------------------------------------------------------------ */

static size_t
convert_end(struct sending *g, char *into)
{
	size_t len = 0;
	if (!g->carriage)
		into[len++] = '\r';
	into[len++] = '\n';
	g->line_start = true;
	g->carriage = false;
	return len;
}

/* One byte becomes two at most. */
static size_t
convert(struct sending *g, char *into, struct slice piece)
{
	size_t len = 0;
	while (piece.len > 0) {
		if (g->line_start && piece.data[0] == '.')
			into[len++] = '.';
		size_t run = crlf_copy_line(into + len, piece);
		len += run;
		if (run > 0) {
			g->line_start = false;
			g->carriage = piece.data[run - 1] == '\r';
		}
		if (run < piece.len)
			len += convert_end(g, into + len);
		piece = slice_from(piece, run + 1);
	}
	return len;
}

/* Where no lines are counted most bytes only pass: calls for each line would cost more than all the rest. */
static void
send_whole(struct sending *g, struct slice part)
{
	char converted[2 * PIECE + CRLF_BEYOND];
	while (part.len > 0 && !g->out->failed) {
		struct slice piece = slice_first(part, PIECE);
		output_write(g->out, converted, convert(g, converted, piece));
		part = slice_from(part, piece.len);
	}
}

static void
send_part(struct sending *g, struct slice part)
{
	if (g->lines == SIZE_MAX) {
		send_whole(g, part);
		return;
	}
	while (part.len > 0 && !is_done(g)) {
		size_t lf = slice_find(part, '\n');
		send_run(g, slice_first(part, lf));
		if (lf < part.len)
			end_line(g);
		part = slice_from(part, lf + 1);
	}
}

/* The next part of the file; 0: it is over. -1 with errno, ESTALE when it is not what it was. */
static ssize_t
read_part(struct session *s, int fd, struct sending *g)
{
	ssize_t n = 0;
	if (g->read == g->size)
		return 0;
	do
		n = read(fd, s->buffer, sizeof s->buffer);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		/* Somebody cut it off while we read. */
		errno = ESTALE;
		return -1;
	}
	if (n > 0 && (uint64_t)n > g->size - g->read)
		n = (ssize_t)(g->size - g->read);
	g->read += n > 0 ? (uint64_t)n : 0;
	return n;
}

static void
take_converted(void *context, struct slice bytes)
{
	send_part(context, bytes);
}

/* False: half a message must not look like a whole one, so there is no dot and the connection ends. */
static bool
send_file(struct session *s, int fd, struct sending *g)
{
	/* Without UTF8 headers in UTF-8 go out in the old form (RFC 6856 section 2.1). */
	bool converts = !s->carried.utf8;
	ssize_t n;
	surrogate_begin(&s->surrogate, (struct transfer_taker){.take = take_converted, .context = g});
	while (!is_done(g) && (n = read_part(s, fd, g)) != 0) {
		if (n < 0)
			return false;
		struct slice part = slice_make(s->buffer, (size_t)n);
		/* Most messages are read at once, and need no walk through their parts. */
		if (g->size == part.len && address_is_ascii(part))
			converts = false;
		if (converts)
			surrogate_feed(&s->surrogate, part);
		else
			send_part(g, part);
	}
	if (converts)
		surrogate_end(&s->surrogate);
	return true;
}

void
session_send(struct session *s, int fd, uint64_t size, size_t lines)
{
	struct sending g = {.out = &s->out, .size = size, .lines = lines, .line_start = true, .empty_line = true};
	session_ok(s, TEXT_FOLLOWS);
	if (!send_file(s, fd, &g)) {
		log_error("read-failed", log_errno());
		s->out.failed = true;
		return;
	}
	if (!g.line_start)
		output_text(&s->out, g.carriage ? "\n" : "\r\n");
	output_text(&s->out, ".\r\n");
}
