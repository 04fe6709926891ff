#include "lib/mail/line_ends.h"

/* Gives out the first `len` bytes, which end in a CR or without a line end, or with a right one. */
static struct slice
give(struct line_ends *l, struct slice *in, size_t len)
{
	struct slice run = slice_first(*in, len);
	*in = slice_from(*in, len);
	l->cr = len > 0 && run.data[len - 1] == '\r';
	l->open = len > 0 && run.data[len - 1] != '\n';
	return run;
}

/* How many bytes go out as they are: up to a bare LF, or with a CR that is bare or is the last byte. */
static size_t
right_length(struct line_ends *l, struct slice text)
{
	size_t i = 0;
	for (; i < text.len; i++) {
		if (text.data[i] == '\n') {
			l->bare = true;
			if (l->normalize)
				return i;
		} else if (text.data[i] == '\r') {
			if (i + 1 == text.len || text.data[i + 1] != '\n')
				return i + 1;
			i++;
		}
	}
	return text.len;
}

struct slice
line_ends_run(struct line_ends *l, struct slice *in)
{
	if (in->len == 0)
		return *in;
	if (l->cr && in->data[0] == '\n')
		return give(l, in, 1);
	if (l->cr) {
		l->bare = true;
		l->cr = false;
		if (l->normalize) {
			l->open = false;
			return slice_of("\n");
		}
	}
	size_t len = right_length(l, *in);
	if (len > 0)
		return give(l, in, len);
	*in = slice_from(*in, 1);
	l->open = false;
	return slice_of("\r\n");
}

struct slice
line_ends_finish(struct line_ends *l)
{
	struct slice lacking = slice_of(l->cr ? "\n" : l->open ? "\r\n" : "");
	if (l->cr)
		l->bare = true;
	l->cr = l->open = false;
	return lacking;
}
