#include "lib/mail/header.h"

#include "lib/mail/budget.h"

void
header_begin(struct header_reader *r, struct slice message)
{
	*r = (struct header_reader){.message = message};
}

/* The offset behind the line that begins at `at`. */
static size_t
line_end(struct slice message, size_t at)
{
	struct slice rest = slice_from(message, at);
	size_t lf = slice_find(rest, '\n');
	return lf < rest.len ? at + lf + 1 : message.len;
}

/* The line without what ended it. */
static struct slice
line_text(struct slice message, size_t start, size_t end)
{
	if (end > start && message.data[end - 1] == '\n')
		end--;
	if (end > start && message.data[end - 1] == '\r')
		end--;
	return slice_make(message.data + start, end - start);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_folded(struct slice message, size_t at)
{
	return at < message.len && is_blank(message.data[at]);
}

/* Names are printable ASCII (RFC 5322 section 2.2); spaces before the colon are an old habit. */
static bool
is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= ' ' || name.data[i] > '~')
			return false;
	return name.len > 0;
}

static void
split(struct slice line, struct header_field *f)
{
	size_t colon = slice_find(line, ':');
	struct slice name = slice_trim(slice_first(line, colon));
	bool folded = line.len > 0 && is_blank(line.data[0]);
	if (colon == line.len || folded || !is_name(name)) {
		f->name = slice_first(line, 0);
		f->value = line;
		return;
	}
	f->name = name;
	f->value = slice_from(line, colon + 1);
}

static bool
is_over(const struct header_reader *r)
{
	return r->fields >= BUDGET_HEADER_FIELDS || r->at >= BUDGET_HEADER_BYTES;
}

/* The next field as lines: its place, and not yet what it is. */
static bool
next_lines(struct header_reader *r, struct header_field *f)
{
	if (r->ended || r->at >= r->message.len)
		return false;
	size_t start = r->at, end = line_end(r->message, start);
	if (line_text(r->message, start, end).len == 0) {
		r->ended = true;
		return false;
	}
	if (is_over(r)) {
		r->over = r->ended = true;
		return false;
	}
	while (is_folded(r->message, end))
		end = line_end(r->message, end);
	f->start = start;
	f->end = end;
	r->at = end;
	r->fields++;
	return true;
}

bool
header_next(struct header_reader *r, struct header_field *f)
{
	if (!next_lines(r, f))
		return false;
	split(line_text(r->message, f->start, f->end), f);
	return true;
}

/* Both cases of a letter, and a few other bytes, have one bit. */
uint32_t
header_initial(char first)
{
	return UINT32_C(1) << (first & 31);
}

bool
header_next_among(struct header_reader *r, uint32_t initials, struct header_field *f)
{
	while (next_lines(r, f))
		if (header_initial(r->message.data[f->start]) & initials) {
			split(line_text(r->message, f->start, f->end), f);
			return true;
		}
	return false;
}

size_t
header_body(const struct header_reader *r)
{
	size_t at = r->at;
	while (at < r->message.len) {
		size_t end = line_end(r->message, at);
		bool empty = line_text(r->message, at, end).len == 0;
		at = end;
		if (empty)
			break;
	}
	return at;
}

size_t
header_end(struct slice message)
{
	struct header_reader r;
	header_begin(&r, message);
	return header_body(&r);
}

bool
header_find(struct slice message, const char *name, struct header_field *f)
{
	struct header_reader r;
	header_begin(&r, message);
	while (header_next_among(&r, header_initial(name[0]), f))
		if (slice_is_nocase(f->name, name))
			return true;
	return false;
}

void
header_find_each(struct slice message, const char *const names[], size_t count, struct slice values[])
{
	struct header_reader reader;
	struct header_field field;
	uint32_t initials = 0;
	for (size_t i = 0; i < count; i++)
		initials |= header_initial(names[i][0]);
	header_begin(&reader, message);
	while (header_next_among(&reader, initials, &field))
		for (size_t i = 0; i < count; i++)
			if (values[i].data == NULL && slice_is_nocase(field.name, names[i]))
				values[i] = field.value;
}

bool
header_unfold(struct str *into, struct slice value)
{
	size_t before = into->len;
	struct slice rest = slice_trim(value);
	bool ok = str_append(into, "", 0);
	while (rest.len > 0 && ok) {
		size_t len = 0;
		while (len < rest.len && rest.data[len] != '\r' && rest.data[len] != '\n' && rest.data[len] != '\0')
			len++;
		ok = str_append_slice(into, slice_first(rest, len));
		rest = slice_from(rest, len + 1);
		/* What stood before or behind the line end separates the words; a fold at the start leaves nothing. */
		if (ok && into->len == before)
			rest = slice_trim(rest);
	}
	while (into->len > before && is_blank(into->data[into->len - 1]))
		str_truncate(into, into->len - 1);
	if (!ok)
		str_truncate(into, before);
	return ok;
}
