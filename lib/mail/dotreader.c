#include "lib/mail/dotreader.h"

bool
dotreader_ended(const struct dotreader *d)
{
	return d->state == DOTREADER_END;
}

/* A byte behind a CR that was given out. */
static void
after_cr(struct dotreader *d, char byte)
{
	if (byte == '\n') {
		d->state = DOTREADER_LINE_START;
		return;
	}
	d->bare = true;
	d->state = byte == '\r' ? DOTREADER_TEXT_CR : DOTREADER_TEXT;
}

/* Moves over the text before the next CR and over that CR; gives how many bytes. */
static size_t
skip_text(struct dotreader *d, struct slice text)
{
	size_t cr = slice_find(text, '\r');
	if (slice_has(slice_first(text, cr), '\n'))
		d->bare = true;
	if (cr == text.len)
		return cr;
	d->state = DOTREADER_TEXT_CR;
	return cr + 1;
}

/*
 * Handles the bytes at the start of a line that may be taken out: true when
 * `byte` was, false when it is text.
 */
static bool
take_dot(struct dotreader *d, char byte)
{
	switch (d->state) {
	case DOTREADER_LINE_START:
		d->state = byte == '.' ? DOTREADER_DOT : DOTREADER_TEXT;
		return byte == '.';
	case DOTREADER_DOT:
		d->state = byte == '\r' ? DOTREADER_DOT_CR : DOTREADER_TEXT;
		return byte == '\r';
	case DOTREADER_DOT_CR:
		d->state = DOTREADER_END;
		return true;
	default:
		return false;
	}
}

static bool
at_line_start(const struct dotreader *d)
{
	return d->state == DOTREADER_LINE_START || d->state == DOTREADER_DOT || d->state == DOTREADER_DOT_CR;
}

/* The CR behind a dot was bare: it is text. What comes next is judged behind it. */
static bool
gives_back_cr(struct dotreader *d, char byte)
{
	if (d->state != DOTREADER_DOT_CR || byte == '\n')
		return false;
	d->bare = true;
	d->state = DOTREADER_TEXT_CR;
	return true;
}

struct slice
dotreader_run(struct dotreader *d, struct slice *in)
{
	struct slice from = *in;
	size_t len = 0;
	while (len < from.len && d->state != DOTREADER_END) {
		if (gives_back_cr(d, from.data[len])) {
			*in = from; /* len is 0: a run ends before a dot */
			return slice_of("\r");
		}
		if (at_line_start(d) && take_dot(d, from.data[len])) {
			struct slice run = slice_first(from, len);
			from = slice_from(from, len + 1);
			len = 0;
			if (run.len > 0) {
				*in = from;
				return run;
			}
			continue;
		}
		if (d->state == DOTREADER_TEXT_CR)
			after_cr(d, from.data[len++]);
		else
			len += skip_text(d, slice_from(from, len));
	}
	*in = slice_from(from, len);
	return slice_first(from, len);
}
