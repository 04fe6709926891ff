/* Where headers begin and end; what becomes of a field stands in surrogate_field.c. */
#include "pop3d/surrogate.h"

#include "lib/mail/address.h"
#include "lib/mail/mime_fields.h"
#include "pop3d/surrogate_field.h"

static void
give(struct surrogate *s, struct slice bytes)
{
	if (bytes.len > 0)
		s->taker.take(s->taker.context, bytes);
}

static void
give_ascii(struct surrogate *s, struct slice bytes)
{
	struct transfer t;
	transfer_begin(&t, TRANSFER_SEVEN, s->taker);
	transfer_write(&t, bytes);
	transfer_finish(&t);
}

static void
open_header(struct surrogate *s, bool in_digest)
{
	s->in_header = true;
	s->in_digest = in_digest;
	s->is_over = false;
	str_clear(&s->field);
	str_clear(&s->content);
}

/* Limits stand in each, so that a message after another needs no new memory. */
static void
empty(struct str *text, size_t most)
{
	str_clear(text);
	text->limit = most;
}

void
surrogate_begin(struct surrogate *s, struct transfer_taker taker)
{
	s->taker = taker;
	s->boundaries.depth = 0;
	s->is_open = false;
	empty(&s->line, SURROGATE_FIELD_MOST);
	empty(&s->field, SURROGATE_FIELD_MOST);
	empty(&s->content, SURROGATE_FIELD_MOST);
	empty(&s->written, SURROGATE_WRITTEN);
	open_header(s, false);
}

void
surrogate_free(struct surrogate *s)
{
	str_free(&s->line);
	str_free(&s->field);
	str_free(&s->content);
	str_free(&s->written);
}

/* --- headers ------------------------------------------------------------------- */

/* A field that cannot be told in ASCII is left out (RFC 6858 section 2.4). What the client sees says what the body is. */
static void
end_field(struct surrogate *s)
{
	struct slice field = str_slice(&s->field);
	str_clear(&s->written);
	if (!address_is_ascii(field)) {
		if (!surrogate_field(&s->written, field))
			str_clear(&s->written);
		field = str_slice(&s->written);
	}
	if (slice_starts_nocase(field, "Content-T"))
		str_append_slice(&s->content, field);
	give(s, field);
	str_clear(&s->field);
	s->is_over = false;
}

/* What was kept of it so far, and this. */
static void
pass_field(struct surrogate *s, struct slice bytes)
{
	give_ascii(s, str_slice(&s->field));
	give_ascii(s, bytes);
	str_clear(&s->field);
	s->is_over = true;
}

static void
header_line(struct surrogate *s, struct slice line)
{
	if (!slice_starts(line, " ") && !slice_starts(line, "\t"))
		end_field(s);
	if (s->is_over || !str_append_slice(&s->field, line))
		pass_field(s, line);
}

/* `whole`: by its empty line, so that a body follows. */
static void
end_header(struct surrogate *s, bool whole)
{
	struct mime_part p = {.parent = MIME_NONE};
	end_field(s);
	s->in_header = false;
	if (!whole)
		return;
	mime_read_fields(&p, str_slice(&s->content), s->in_digest);
	if (p.kind == MIME_MESSAGE)
		open_header(s, false);
	else if (p.kind == MIME_MULTIPART)
		boundaries_open(&s->boundaries, &p);
}

/* --- lines --------------------------------------------------------------------- */

static struct slice
without_end(struct slice line)
{
	if (slice_ends(line, "\n"))
		line.len--;
	if (slice_ends(line, "\r"))
		line.len--;
	return line;
}

static void
take_line(struct surrogate *s, struct slice line)
{
	struct slice text = without_end(line);
	enum boundary boundary = boundaries_find(&s->boundaries, text);
	if (boundary == BOUNDARY_NONE && s->in_header && text.len > 0) {
		header_line(s, line);
		return;
	}
	/* What is kept of a header goes before what follows it. */
	if (s->in_header && boundary != BOUNDARY_NONE)
		end_header(s, false);
	else if (s->in_header)
		end_field(s);
	give(s, line);
	if (boundary == BOUNDARY_NEXT)
		open_header(s, boundaries_in_digest(&s->boundaries));
	else if (s->in_header)
		end_header(s, true);
}

/* Of a line that is too long to be kept, what was kept and this. */
static void
pass_line(struct surrogate *s, struct slice bytes)
{
	struct slice kept = str_slice(&s->line);
	bool begins = kept.len > 0 && !slice_starts(kept, " ") && !slice_starts(kept, "\t");
	if (s->in_header && begins)
		end_field(s);
	if (s->in_header) {
		pass_field(s, kept);
		pass_field(s, bytes);
	} else {
		give(s, kept);
		give(s, bytes);
	}
	str_clear(&s->line);
}

/* Some bytes of a line, with its end if it `ends` with them. */
static void
take_piece(struct surrogate *s, struct slice piece, bool ends)
{
	if (ends && s->line.len == 0 && !s->is_open) {
		take_line(s, piece);
	} else if (s->is_open || !str_append_slice(&s->line, piece)) {
		pass_line(s, piece);
		s->is_open = !ends;
	} else if (ends) {
		take_line(s, str_slice(&s->line));
		str_clear(&s->line);
	}
}

/* No header can come any more. */
static bool
is_rest(const struct surrogate *s)
{
	return !s->in_header && s->boundaries.depth == 0 && s->line.len == 0;
}

void
surrogate_feed(struct surrogate *s, struct slice bytes)
{
	while (bytes.len > 0 && !is_rest(s)) {
		size_t lf = slice_find(bytes, '\n');
		bool ends = lf < bytes.len;
		struct slice piece = slice_first(bytes, lf + ends);
		bytes = slice_from(bytes, piece.len);
		take_piece(s, piece, ends);
	}
	give(s, bytes);
}

void
surrogate_end(struct surrogate *s)
{
	if (s->line.len > 0)
		take_line(s, str_slice(&s->line));
	str_clear(&s->line);
	if (s->in_header)
		end_field(s);
}
