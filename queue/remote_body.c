#include "queue/remote_body.h"

static void
end_line(struct body *b, struct output *out)
{
	output_text(out, "\r\n");
	b->in_line = b->cr = false;
}

/* Bytes without CR and LF. */
static void
write_run(struct body *b, struct output *out, struct slice run)
{
	if (!b->in_line && run.data[0] == '.')
		output_text(out, ".");
	output_slice(out, run);
	b->in_line = true;
}

void
body_write(struct body *b, struct output *out, struct slice bytes)
{
	size_t at = 0;
	while (at < bytes.len) {
		char c = bytes.data[at];
		if (c == '\n') {
			/* The end of a CRLF, or bare: a line end in both cases. */
			end_line(b, out);
			at++;
			continue;
		}
		if (b->cr)
			end_line(b, out);
		if (c == '\r') {
			b->cr = true;
			at++;
			continue;
		}
		size_t start = at;
		while (at < bytes.len && bytes.data[at] != '\r' && bytes.data[at] != '\n')
			at++;
		write_run(b, out, slice_make(bytes.data + start, at - start));
	}
}

void
body_end(struct body *b, struct output *out)
{
	if (b->in_line || b->cr)
		end_line(b, out);
	output_text(out, ".\r\n");
}
