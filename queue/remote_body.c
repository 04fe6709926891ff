#include "queue/remote_body.h"

static void
put(struct body *b, struct slice bytes)
{
	b->count += bytes.len;
	if (b->out != NULL)
		output_slice(b->out, bytes);
}

static void
end_line(struct body *b)
{
	put(b, slice_of("\r\n"));
	b->in_line = b->cr = false;
}

/* Bytes without CR and LF. */
static void
write_run(struct body *b, struct slice run)
{
	if (b->kind == BODY_DOTS && !b->in_line && run.data[0] == '.')
		put(b, slice_of("."));
	put(b, run);
	b->in_line = true;
}

static void
write_lines(struct body *b, struct slice bytes)
{
	size_t at = 0;
	while (at < bytes.len) {
		char c = bytes.data[at];
		if (c == '\n') {
			/* The end of a CRLF, or bare: a line end in both cases. */
			end_line(b);
			at++;
			continue;
		}
		if (b->cr)
			end_line(b);
		if (c == '\r') {
			b->cr = true;
			at++;
			continue;
		}
		size_t start = at;
		while (at < bytes.len && bytes.data[at] != '\r' && bytes.data[at] != '\n')
			at++;
		write_run(b, slice_make(bytes.data + start, at - start));
	}
}

void
body_write(struct body *b, struct slice bytes)
{
	if (b->kind == BODY_BYTES)
		put(b, bytes);
	else
		write_lines(b, bytes);
}

void
body_end(struct body *b)
{
	if (b->kind == BODY_BYTES)
		return;
	if (b->in_line || b->cr)
		end_line(b);
	if (b->kind == BODY_DOTS)
		put(b, slice_of(".\r\n"));
}
