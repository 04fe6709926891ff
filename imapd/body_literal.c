/* A section as a literal: its length on the wire first, and of a partial fetch the stretch that is wanted. */
#include "imapd/body.h"

#include "lib/mail/crlf.h"

#define SMALL 4096 /* bytes that are converted once, and kept until they are counted */

struct small {
	size_t len;
	bool   carriage;
	char   text[2 * SMALL + CRLF_BEYOND];
};

static void
take_small(void *context, struct slice bytes)
{
	struct small *s = context;
	s->len += crlf_copy(s->text + s->len, bytes, &s->carriage);
}

static void
take_wire(void *context, struct slice bytes)
{
	wire_feed(context, bytes);
}

/* Writes how long it is, and says in `w` what of those `size` bytes is wanted. */
static void
begin_literal(const struct fetch_item *item, uint64_t size, struct wire *w)
{
	w->skip = item->partial ? item->offset : 0;
	w->left = w->skip < size ? size - w->skip : 0;
	if (item->partial && w->left > item->length)
		w->left = item->length;
	output_format(w->out, "{%llu}\r\n", (unsigned long long)w->left);
}

/* When a file gave less than was told, the rest of the literal is filled with spaces. */
static void
fill_literal(struct wire *w)
{
	for (; w->left > 0 && !w->out->failed; w->left--)
		output_write(w->out, " ", 1);
}

static void
write_small(const struct body *b, struct output *out, const struct fetch_item *item, const struct mime_part *part)
{
	struct small s;
	struct wire w = {.out = out};
	s.len = 0;
	s.carriage = false;
	body_feed(b, &item->section, part, (struct transfer_taker){take_small, &s});
	begin_literal(item, s.len, &w);
	if (w.left > 0)
		wire_write(out, s.text + w.skip, (size_t)w.left);
}

static void
write_fields(const struct body *b, struct output *out, const struct fetch_item *item, const struct mime_part *part)
{
	struct wire count = {.out = NULL}, w = {.out = out};
	body_feed(b, &item->section, part, (struct transfer_taker){take_wire, &count});
	begin_literal(item, count.at.wire, &w);
	body_feed(b, &item->section, part, (struct transfer_taker){take_wire, &w});
	fill_literal(&w);
}

/* Counts a stretch that is another than the one fetched last. */
static void
mark_range(struct body *b, const struct body_range *range)
{
	struct wire count = {.out = NULL};
	if (b->mark.range.start == range->start && b->mark.range.end == range->end)
		return;
	body_feed_range(b, *range, (struct transfer_taker){take_wire, &count});
	b->mark = (struct body_mark){.range = *range, .size = count.at.wire};
}

static void
write_range(struct body *b, struct output *out, const struct fetch_item *item, struct body_range range)
{
	struct wire w = {.out = out};
	mark_range(b, &range);
	begin_literal(item, b->mark.size, &w);
	const struct wire_place from = b->mark.place.wire <= w.skip ? b->mark.place : (struct wire_place){.source = 0};
	w.at = w.piece = from;
	w.skip -= from.wire;
	range.start += from.source;
	body_feed_range(b, range, (struct transfer_taker){take_wire, &w});
	fill_literal(&w);
	b->mark.place = w.piece;
}

void
body_write_section(struct body *b, struct output *out, const struct fetch_item *item)
{
	const struct section *section = &item->section;
	struct mime_part root = {.kind = MIME_LEAF};
	struct body_range range;
	const struct mime_part *part = body_find(b, section, &root);
	bool fields = section->text == SECTION_FIELDS || section->text == SECTION_FIELDS_NOT;
	if (part == NULL) {
		output_text(out, "NIL");
		return;
	}
	body_range(b, section, part, &range);
	if (fields)
		range = (struct body_range){part->header.start, part->header.end + 2}; /* and an empty line */
	if (range.end - range.start <= SMALL && range.end <= b->text.len + 2)
		write_small(b, out, item, part);
	else if (fields)
		write_fields(b, out, item, part);
	else
		write_range(b, out, item, range);
}
