#include "lib/mail/boundary.h"

#include <string.h>

static struct slice
trim_end(struct slice text)
{
	while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
		text.len--;
	return text;
}

bool
boundaries_open(struct boundaries *b, const struct mime_part *p)
{
	struct str boundary = STR_MOST(BOUNDARY_MOST);
	bool ok = mime_parameter(p->parameters, "boundary", &boundary) && b->depth < BUDGET_MIME_NESTING;
	struct slice text = trim_end(str_slice(&boundary));
	ok = ok && text.len > 0;
	if (ok) {
		size_t level = b->depth++;
		b->levels[level].len = text.len;
		b->levels[level].digest = slice_is_nocase(p->subtype, "digest");
		b->levels[level].closed = false;
		memcpy(b->levels[level].text, text.data, text.len);
	}
	str_free(&boundary);
	return ok;
}

enum boundary
boundaries_find(struct boundaries *b, struct slice line)
{
	if (b->depth == 0 || !slice_starts(line, "--"))
		return BOUNDARY_NONE;
	struct slice text = slice_from(trim_end(line), 2);
	/* Innermost first. */
	for (size_t i = b->depth; i > 0; i--) {
		struct slice boundary = slice_make(b->levels[i - 1].text, b->levels[i - 1].len);
		if (b->levels[i - 1].closed || !slice_equal(slice_first(text, boundary.len), boundary))
			continue;
		bool last = slice_is(slice_from(text, boundary.len), "--");
		if (!last && text.len != boundary.len)
			continue;
		b->depth = i;
		b->levels[i - 1].closed = last;
		return last ? BOUNDARY_LAST : BOUNDARY_NEXT;
	}
	return BOUNDARY_NONE;
}

bool
boundaries_in_digest(const struct boundaries *b)
{
	return b->depth > 0 && b->levels[b->depth - 1].digest;
}
