#include "imapd/wire.h"

#include "lib/mail/crlf.h"

#define PIECE 2048 /* bytes that are converted at a time */

/* A literal holds no NUL (RFC 3501 section 9, CHAR8); 0x80 stands for it, as in other servers. */
static void
write_without_nul(struct output *out, const char *bytes, size_t len)
{
	struct slice rest = slice_make(bytes, len);
	while (rest.len > 0) {
		size_t before = slice_find(rest, '\0');
		output_write(out, rest.data, before);
		if (before < rest.len)
			output_write(out, "\x80", 1);
		rest = slice_from(rest, before + 1);
	}
}

static bool
only_counts(const struct wire *w)
{
	return w->out == NULL && w->taker.take == NULL;
}

/* Writes what of these bytes is wanted. */
static void
emit(struct wire *w, const char *bytes, size_t len)
{
	w->size += len;
	if (w->skip >= len) {
		w->skip -= len;
		return;
	}
	bytes += w->skip;
	len -= w->skip;
	w->skip = 0;
	if (len > w->left)
		len = w->left;
	if (w->taker.take != NULL)
		w->taker.take(w->taker.context, slice_make(bytes, len));
	else
		write_without_nul(w->out, bytes, len);
	w->left -= len;
}

void
wire_feed(struct wire *w, struct slice bytes)
{
	char lines[2 * PIECE + CRLF_BEYOND];
	if (only_counts(w)) {
		w->size += crlf_size(bytes, &w->after_cr);
		return;
	}
	/* When all that is wanted is written, the rest need not be looked at. */
	for (; bytes.len > 0 && w->left > 0; bytes = slice_from(bytes, PIECE))
		emit(w, lines, crlf_copy(lines, slice_first(bytes, PIECE), &w->after_cr));
}

uint64_t
wire_size(struct slice bytes)
{
	struct wire w = {.out = NULL};
	wire_feed(&w, bytes);
	return w.size;
}
