/* A message on its way out: LF becomes CRLF, a line that begins with a dot gets a second one (RFC 1939 section 3). */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "pop3d/session.h"

struct sending {
	struct output *out;
	size_t         lines;      /* of the body that are still to go */
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

void
session_send(struct session *s, int fd, size_t lines)
{
	struct sending g = {.out = &s->out, .lines = lines, .line_start = true, .empty_line = true};
	ssize_t n = 1;
	while (n > 0 && !is_done(&g)) {
		n = read(fd, s->buffer, sizeof s->buffer);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			send_part(&g, slice_make(s->buffer, (size_t)n));
	}
	if (n < 0) {
		/* Half a message must not look like a whole one: no dot, the connection ends. */
		log_error("read-failed", log_errno());
		s->out.failed = true;
		return;
	}
	if (!g.line_start)
		output_text(&s->out, g.carriage ? "\n" : "\r\n");
	output_text(&s->out, ".\r\n");
}
