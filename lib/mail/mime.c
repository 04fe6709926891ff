/*
 * One pass over the lines. A stack holds the parts that are open; each line is
 * held against the boundaries of the open multiparts, innermost first. A part's
 * header is looked at once when it has ended. So each byte is read a bounded
 * number of times whatever the message is.
 */
#include "lib/mail/mime.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mail/budget.h"
#include "lib/mail/mime_fields.h"

struct open {
	uint32_t   part;
	uint32_t   last_child;
	bool       in_header;
	bool       closed;   /* a multipart behind its last boundary */
	struct str boundary; /* empty: none */
};

/* A place in the message and the line ends before it. */
struct place {
	size_t at, lines, bare;
};

struct scan {
	struct mime_tree *tree;
	struct slice      message;
	struct place      here;     /* the start of a line */
	struct place      previous; /* before the line end that stands before `here` */
	uint32_t          depth;    /* how many are open */
	struct open       open[BUDGET_MIME_NESTING + 1];
};

static bool
grow(struct mime_tree *t)
{
	if (t->count < t->room)
		return true;
	size_t room = t->room == 0 ? 8 : t->room * 2, bytes;
	if (__builtin_mul_overflow(room, sizeof *t->parts, &bytes))
		return false;
	struct mime_part *parts = realloc(t->parts, bytes);
	if (parts == NULL)
		return false;
	t->parts = parts;
	t->room = room;
	return true;
}

/* While a range is open its counts are those before it. */
static struct mime_range
begin_range(struct place p)
{
	return (struct mime_range){.start = p.at, .end = p.at, .lines = p.lines, .bare = p.bare};
}

static void
end_range(struct mime_range *r, struct place p)
{
	r->end = p.at;
	r->lines = p.lines - r->lines;
	r->bare = p.bare - r->bare;
}

static bool
has_room(const struct scan *s)
{
	return s->depth <= BUDGET_MIME_NESTING && s->tree->count < BUDGET_MIME_PARTS;
}

static void
link_child(struct scan *s, uint32_t index)
{
	if (s->depth == 0)
		return;
	struct open *parent = &s->open[s->depth - 1];
	if (parent->last_child == MIME_NONE)
		s->tree->parts[parent->part].first_child = index;
	else
		s->tree->parts[parent->last_child].next = index;
	parent->last_child = index;
}

/* Opens a part whose header begins here, as a child of the innermost one. */
static bool
open_part(struct scan *s)
{
	if (!grow(s->tree))
		return false;
	uint32_t index = (uint32_t)s->tree->count++;
	link_child(s, index);
	s->tree->parts[index] = (struct mime_part){
	    .parent = s->depth > 0 ? s->open[s->depth - 1].part : MIME_NONE,
	    .first_child = MIME_NONE,
	    .next = MIME_NONE,
	    .depth = s->depth,
	    .header = begin_range(s->here),
	};
	s->open[s->depth++] = (struct open){.part = index, .last_child = MIME_NONE, .in_header = true, .boundary = STR_MOST(0)};
	return true;
}

static bool
is_in_digest(const struct scan *s, const struct mime_part *p)
{
	if (p->parent == MIME_NONE)
		return false;
	const struct mime_part *parent = &s->tree->parts[p->parent];
	return parent->kind == MIME_MULTIPART && slice_is_nocase(parent->subtype, "digest");
}

static void
trim_end(struct str *text)
{
	while (text->len > 0 && (text->data[text->len - 1] == ' ' || text->data[text->len - 1] == '\t'))
		str_truncate(text, text->len - 1);
}

/* The header of the innermost part ends at `end`; what is in it decides how the body is read. False: no memory. */
static bool
end_header(struct scan *s, struct place end)
{
	struct open *o = &s->open[s->depth - 1];
	struct mime_part *p = &s->tree->parts[o->part];
	o->in_header = false;
	end_range(&p->header, end);
	p->body = begin_range(end);
	struct slice header = slice_first(slice_from(s->message, p->header.start), p->header.end - p->header.start);
	mime_read_fields(p, header, is_in_digest(s, p));
	if (p->kind != MIME_LEAF && !has_room(s)) {
		s->tree->over = true;
		p->kind = MIME_LEAF;
	}
	if (p->kind == MIME_MESSAGE)
		return open_part(s);
	if (p->kind == MIME_MULTIPART) {
		o->boundary.limit = p->parameters.len;
		mime_parameter(p->parameters, "boundary", &o->boundary);
		trim_end(&o->boundary);
	}
	return !o->boundary.failed;
}

/* Where the innermost part ends when a boundary line begins here: before the line end, unless that is its header's. */
static struct place
end_of_top(const struct scan *s)
{
	const struct open *o = &s->open[s->depth - 1];
	const struct mime_part *p = &s->tree->parts[o->part];
	size_t start = o->in_header ? p->header.start : p->body.start;
	return s->previous.at >= start ? s->previous : s->here;
}

/* Closes the innermost parts until `depth` are open. */
static bool
close_to(struct scan *s, uint32_t depth, struct place end)
{
	while (s->depth > depth) {
		struct open *o = &s->open[s->depth - 1];
		if (o->in_header) {
			/* The header of a message within may open one more, which has nothing in it. */
			s->here = end;
			if (!end_header(s, end))
				return false;
			continue;
		}
		end_range(&s->tree->parts[o->part].body, end);
		str_free(&o->boundary);
		s->depth--;
	}
	return true;
}

/* The line without its end and trailing spaces. */
static struct slice
line_text(struct slice line)
{
	while (line.len > 0 && memchr(" \t\r\n", line.data[line.len - 1], 4) != NULL)
		line.len--;
	return line;
}

enum { NO_BOUNDARY, NEXT_PART, LAST_PART };

/* "--boundary" or "--boundary--" (RFC 2046 section 5.1.1). `text` is behind the first two hyphens. */
static int
match_one(const struct open *o, struct slice text)
{
	struct slice boundary = str_slice(&o->boundary);
	if (boundary.len == 0 || o->closed)
		return NO_BOUNDARY;
	if (slice_equal(text, boundary))
		return NEXT_PART;
	if (text.len != boundary.len + 2 || !slice_ends(text, "--"))
		return NO_BOUNDARY;
	return slice_equal(slice_first(text, boundary.len), boundary) ? LAST_PART : NO_BOUNDARY;
}

/* Looks for the innermost multipart whose boundary the line is. `*level` becomes its place on the stack. */
static int
match(const struct scan *s, struct slice line, uint32_t *level)
{
	if (line.len < 2 || line.data[0] != '-' || line.data[1] != '-')
		return NO_BOUNDARY;
	struct slice text = slice_from(line_text(line), 2);
	for (uint32_t i = s->depth; i > 0; i--) {
		int m = match_one(&s->open[i - 1], text);
		if (m != NO_BOUNDARY) {
			*level = i - 1;
			return m;
		}
	}
	return NO_BOUNDARY;
}

static struct slice
next_line(const struct scan *s)
{
	struct slice rest = slice_from(s->message, s->here.at);
	return slice_first(rest, slice_find(rest, '\n') + 1);
}

static void
advance(struct scan *s, struct slice line)
{
	s->previous = s->here;
	s->previous.at = s->here.at += line.len;
	if (line.len == 0 || line.data[line.len - 1] != '\n')
		return;
	bool bare = line.len == 1 || line.data[line.len - 2] != '\r';
	s->previous.at -= bare ? 1 : 2;
	s->here.lines++;
	s->here.bare += bare;
}

/* A boundary line of the multipart at `level`. */
static bool
take_boundary(struct scan *s, struct slice line, uint32_t level, bool last)
{
	struct place here = s->here;
	if (!close_to(s, level + 1, end_of_top(s)))
		return false;
	s->here = here;
	advance(s, line);
	s->open[level].closed = last;
	return last || open_part(s);
}

static bool
take_line(struct scan *s)
{
	uint32_t level;
	struct slice line = next_line(s);
	int m = match(s, line, &level);
	if (m == NEXT_PART && s->tree->count >= BUDGET_MIME_PARTS)
		s->tree->over = true;
	else if (m != NO_BOUNDARY)
		return take_boundary(s, line, level, m == LAST_PART);
	bool ends_header = s->open[s->depth - 1].in_header && (slice_is(line, "\n") || slice_is(line, "\r\n"));
	advance(s, line);
	return !ends_header || end_header(s, s->here);
}

bool
mime_parse(struct mime_tree *t, struct slice message)
{
	*t = (struct mime_tree){.parts = NULL};
	return mime_parse_again(t, message);
}

bool
mime_parse_again(struct mime_tree *t, struct slice message)
{
	struct scan s;
	t->count = 0;
	t->over = false;
	s.tree = t;
	s.message = message;
	s.here = s.previous = (struct place){.at = 0};
	s.depth = 0;
	bool ok = open_part(&s);
	while (ok && s.here.at < message.len)
		ok = take_line(&s);
	ok = ok && close_to(&s, 0, s.here);
	while (s.depth > 0)
		str_free(&s.open[--s.depth].boundary);
	if (!ok)
		mime_free(t);
	return ok;
}

void
mime_free(struct mime_tree *t)
{
	free(t->parts);
	*t = (struct mime_tree){.parts = NULL};
}
