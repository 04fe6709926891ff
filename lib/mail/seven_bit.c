/*
 * Two files: here the lines and what they belong to (boundaries, headers);
 * seven_bit_part.c says what a part needs and writes it.
 */
#include "lib/mail/seven_bit.h"

#include <string.h>

#include "lib/mail/seven_bit_part.h"

static void
begin(struct seven_bit *s)
{
	s->parts = s->part = s->boundaries.depth = 0;
	s->line = SEVEN_AT_START;
	s->cr = s->line_end_held = false;
	s->line_len = s->head_len = 0;
	seven_open_part(s, true, false);
}

void
seven_bit_look(struct seven_bit *s, bool binary)
{
	s->binary = binary;
	s->writing = s->eight_stays = false;
	s->facts = (struct seven_facts){.obstacle = NULL};
	begin(s);
}

void
seven_bit_write(struct seven_bit *s, struct transfer_taker taker)
{
	s->writing = true;
	s->taker = taker;
	begin(s);
}

void
seven_bit_free(struct seven_bit *s)
{
	str_free(&s->fields);
}

static void
take_boundary(struct seven_bit *s, struct slice line, bool last)
{
	if (s->in_header)
		seven_end_header(s, false);
	seven_close_part(s);
	/* What ended the line before belongs to the boundary (RFC 2046 section 5.1.1). */
	if (s->line_end_held)
		seven_give(s, slice_of("\r\n"));
	s->line_end_held = false;
	seven_give(s, line);
	seven_give(s, slice_of("\r\n"));
	if (last)
		seven_open_between(s);
	else
		seven_open_part(s, false, boundaries_in_digest(&s->boundaries));
}

/* --- lines ------------------------------------------------------------------------------------ */

static void
begin_line(struct seven_bit *s, bool whole)
{
	struct slice head = slice_make(s->head, s->head_len);
	enum boundary boundary = whole ? boundaries_find(&s->boundaries, head) : BOUNDARY_NONE;
	if (boundary != BOUNDARY_NONE) {
		s->line = SEVEN_DONE_LINE;
		take_boundary(s, head, boundary == BOUNDARY_LAST);
	} else if (s->in_header && whole && head.len == 0) {
		s->line = SEVEN_DONE_LINE;
		seven_end_header(s, true);
	} else if (s->in_header) {
		s->line = SEVEN_HEADER_LINE;
		seven_begin_header_line(s, head);
	} else {
		s->line = SEVEN_BODY_LINE;
		seven_release_line_end(s);
		seven_body_bytes(s, head);
	}
}

static void
end_line(struct seven_bit *s)
{
	if (s->line == SEVEN_AT_START)
		begin_line(s, true);
	if (s->line == SEVEN_HEADER_LINE)
		seven_header_bytes(s, slice_of("\r\n"));
	else if (s->line == SEVEN_BODY_LINE)
		s->line_end_held = true;
	seven_note_line(s, s->line_len);
	s->line = SEVEN_AT_START;
	s->line_len = s->head_len = 0;
}

/* Bytes of a line, in any pieces. */
static void
line_bytes(struct seven_bit *s, struct slice bytes)
{
	s->line_len += bytes.len;
	if (s->line == SEVEN_AT_START) {
		size_t room = sizeof s->head - s->head_len, len = bytes.len < room ? bytes.len : room;
		memcpy(s->head + s->head_len, bytes.data, len);
		s->head_len += len;
		bytes = slice_from(bytes, len);
		if (bytes.len == 0)
			return;
		begin_line(s, false);
	}
	if (s->line == SEVEN_HEADER_LINE)
		seven_header_bytes(s, bytes);
	else if (s->line == SEVEN_BODY_LINE)
		seven_body_bytes(s, bytes);
}

/* A CR was held back, and what follows is no LF. */
static void
end_bare_cr(struct seven_bit *s)
{
	s->cr = false;
	if (!s->binary) {
		end_line(s);
		return;
	}
	seven_note_bare(s);
	line_bytes(s, slice_of("\r"));
}

static void
take_lf(struct seven_bit *s)
{
	if (s->cr || !s->binary) {
		s->cr = false;
		end_line(s);
		return;
	}
	seven_note_bare(s);
	line_bytes(s, slice_of("\n"));
}

void
seven_bit_feed(struct seven_bit *s, struct slice bytes)
{
	size_t at = 0;
	while (at < bytes.len) {
		if (bytes.data[at] == '\n') {
			take_lf(s);
			at++;
			continue;
		}
		if (s->cr)
			end_bare_cr(s);
		if (bytes.data[at] == '\r') {
			s->cr = true;
			at++;
			continue;
		}
		size_t start = at;
		while (at < bytes.len && bytes.data[at] != '\r' && bytes.data[at] != '\n')
			at++;
		line_bytes(s, slice_make(bytes.data + start, at - start));
	}
}

void
seven_bit_end(struct seven_bit *s)
{
	if (s->cr)
		end_bare_cr(s);
	bool open = s->line_len > 0;
	if (open && s->line == SEVEN_AT_START)
		begin_line(s, true);
	if (open && s->line == SEVEN_HEADER_LINE)
		seven_header_bytes(s, slice_of("\r\n"));
	seven_note_line(s, s->line_len);
	if (s->in_header)
		seven_end_header(s, false);
	seven_release_line_end(s);
	bool lacks_end = (open && s->line == SEVEN_BODY_LINE) || s->transfer.kind == TRANSFER_BASE64;
	seven_close_part(s);
	if (lacks_end)
		seven_give(s, slice_of("\r\n"));
}
