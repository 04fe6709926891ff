#include "imapd/wire.h"

#include <string.h>

/* A literal holds no NUL (RFC 3501 section 9, CHAR8); 0x80 stands for it, as in other servers. */
static void
write_without_nul(struct output *out, const char *bytes, size_t len)
{
	for (const char *nul; (nul = memchr(bytes, '\0', len)) != NULL;) {
		size_t before = (size_t)(nul - bytes);
		output_write(out, bytes, before);
		output_write(out, "\x80", 1);
		bytes += before + 1;
		len -= before + 1;
	}
	output_write(out, bytes, len);
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
	if (only_counts(w) || w->left == 0)
		return;
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
	/* When all that is wanted is written, the rest need not be looked at. */
	while (bytes.len > 0 && (w->left > 0 || only_counts(w))) {
		const char *lf = memchr(bytes.data, '\n', bytes.len);
		size_t before = lf != NULL ? (size_t)(lf - bytes.data) : bytes.len;
		emit(w, bytes.data, before);
		if (before > 0)
			w->after_cr = bytes.data[before - 1] == '\r';
		if (lf == NULL)
			return;
		emit(w, w->after_cr ? "\n" : "\r\n", w->after_cr ? 1 : 2);
		w->after_cr = false;
		bytes = slice_from(bytes, before + 1);
	}
}

uint64_t
wire_size(struct slice bytes)
{
	struct wire w = {.out = NULL};
	wire_feed(&w, bytes);
	return w.size;
}
