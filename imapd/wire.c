#include "imapd/wire.h"

#include "lib/mail/crlf.h"

#define PIECE 2048  /* bytes that are converted at a time */
#define LEAP  65536 /* that are counted at a time where none of them is wanted */

/* A literal holds no NUL (RFC 3501 section 9, CHAR8); 0x80 stands for it, as in other servers. */
void
wire_write(struct output *out, const char *bytes, size_t len)
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
	w->at.wire += len;
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
		wire_write(w->out, bytes, len);
	w->left -= len;
}

static void
count(struct wire *w, struct slice bytes)
{
	uint64_t size = crlf_size(bytes, &w->at.after_cr);
	w->at.source += bytes.len;
	w->at.wire += size;
	w->skip -= size < w->skip ? size : w->skip;
}

static void
convert(struct wire *w, struct slice bytes)
{
	char lines[2 * PIECE + CRLF_BEYOND];
	w->piece = w->at;
	size_t len = crlf_copy(lines, bytes, &w->at.after_cr);
	w->at.source += bytes.len;
	emit(w, lines, len);
}

void
wire_feed(struct wire *w, struct slice bytes)
{
	if (only_counts(w)) {
		count(w, bytes);
		return;
	}
	/* When all that is wanted is written, the rest need not be looked at. */
	while (bytes.len > 0 && w->left > 0) {
		bool unwanted = w->skip >= 2 * LEAP; /* each byte may become two */
		struct slice next = slice_first(bytes, unwanted ? LEAP : PIECE);
		if (unwanted)
			count(w, next);
		else
			convert(w, next);
		bytes = slice_from(bytes, next.len);
	}
}

uint64_t
wire_size(struct slice bytes)
{
	struct wire w = {.out = NULL};
	wire_feed(&w, bytes);
	return w.at.wire;
}
