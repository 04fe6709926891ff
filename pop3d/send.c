/* A message on its way out: LF becomes CRLF, a line that begins with a dot gets a second one (RFC 1939 section 3). */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "pop3d/session.h"
#include "pop3d/surrogate.h"

struct sending {
	struct output *out;
	size_t         lines;      /* of the body that are still to go */
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

static void
send_part(struct sending *g, struct slice part)
{
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

/* The first part holds the header. Without UTF8 a header in UTF-8 goes out in the old form (RFC 6856 section 5). */
static void
send_first(struct session *s, struct sending *g, struct slice part)
{
	struct str header = STR_MOST(SURROGATE_MOST);
	size_t len = s->carried.utf8 ? 0 : surrogate_header(&header, part);
	send_part(g, str_slice(&header));
	send_part(g, slice_from(part, len));
	str_free(&header);
}

/* False: half a message must not look like a whole one, so there is no dot and the connection ends. */
static bool
send_file(struct session *s, int fd, struct sending *g)
{
	ssize_t n = read_part(s, fd, g);
	bool ok = n >= 0;
	if (n > 0)
		send_first(s, g, slice_make(s->buffer, (size_t)n));
	while (ok && n > 0 && !is_done(g)) {
		n = read_part(s, fd, g);
		ok = n >= 0;
		if (n > 0)
			send_part(g, slice_make(s->buffer, (size_t)n));
	}
	return ok;
}

void
session_send(struct session *s, int fd, size_t lines)
{
	struct sending g = {.out = &s->out, .lines = lines, .line_start = true, .empty_line = true};
	struct stat st;
	if (fstat(fd, &st) < 0) {
		log_error("read-failed", log_errno());
		session_error(s, "SYS/TEMP", TEXT_UNREADABLE);
		return;
	}
	g.size = (uint64_t)st.st_size;
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
