/* Sections of a message: which part of it is meant, and its bytes, one piece after the other. */
#include "imapd/body.h"

#include "lib/base/file.h"
#include "lib/mail/header.h"

#define WINDOW 65536

/* The part that a section's text is taken of: of an embedded message for all but ALL and MIME. NULL: not there. */
static const struct mime_part *
section_part(const struct mime_tree *tree, const struct section *section)
{
	const struct mime_part *part = mime_find(tree, section->part);
	bool inside = section->text != SECTION_ALL && section->text != SECTION_MIME && section->part.len > 0;
	if (part == NULL || !inside)
		return part;
	return part->kind == MIME_MESSAGE ? mime_child(tree, part) : NULL;
}

/* What needs the structure: anything but the message itself, its header and its text. */
const struct mime_part *
body_find(struct body *b, const struct section *section, struct mime_part *root)
{
	if (section->part.len > 0) {
		const struct mime_tree *tree = body_tree(b);
		return tree != NULL ? section_part(tree, section) : NULL;
	}
	size_t end = header_end(b->text);
	root->header = (struct mime_range){.start = 0, .end = end};
	root->body = (struct mime_range){.start = end, .end = b->text.len};
	return root;
}

static void
give(struct transfer_taker taker, struct slice bytes)
{
	if (bytes.len > 0)
		taker.take(taker.context, bytes);
}

static bool
is_wanted(const struct section *section, struct slice name)
{
	bool named = false;
	for (size_t i = 0; i < section->count && !named; i++)
		named = slice_equal_nocase(section->names[i], name);
	return named == (section->text == SECTION_FIELDS);
}

static void
feed_fields(const struct section *section, struct slice header, struct transfer_taker taker)
{
	struct header_reader reader;
	struct header_field field;
	header_begin(&reader, header);
	while (header_next(&reader, &field))
		if (is_wanted(section, field.name))
			give(taker, slice_first(slice_from(header, field.start), field.end - field.start));
	give(taker, slice_of("\r\n"));
}

/* What of the file is not in memory is read in windows. */
static void
feed_rest(const struct body *b, struct transfer_taker taker)
{
	static char window[WINDOW];
	for (uint64_t at = b->text.len; at < b->size;) {
		size_t len = b->size - at < WINDOW ? (size_t)(b->size - at) : WINDOW;
		/* A file that is shorter than it was: who was told its size must fill it up. */
		if (!file_read_at(b->fd, window, len, (off_t)at))
			return;
		give(taker, slice_make(window, len));
		at += len;
	}
}

void
body_feed(const struct body *b, const struct section *section, const struct mime_part *part, struct transfer_taker taker)
{
	struct mime_range range = section->text == SECTION_MIME ? part->header : part->body;
	struct slice header = slice_make(b->text.data + part->header.start, part->header.end - part->header.start);
	switch (section->text) {
	case SECTION_HEADER:
		give(taker, header);
		return;
	case SECTION_FIELDS:
	case SECTION_FIELDS_NOT:
		feed_fields(section, header, taker);
		return;
	default:
		break;
	}
	if (section->text == SECTION_ALL && section->part.len == 0)
		range.start = 0;
	give(taker, slice_make(b->text.data + range.start, range.end - range.start));
	/* What was not looked at belongs to the part that reaches so far. */
	if (section->text != SECTION_MIME && range.end == b->text.len)
		feed_rest(b, taker);
}

static void
take_wire(void *context, struct slice bytes)
{
	wire_feed(context, bytes);
}

/* When a file gave less than was told, the rest of the literal is filled with spaces. */
static void
write_literal(const struct body *b, struct output *out, const struct fetch_item *item, const struct mime_part *part)
{
	struct wire count = {.out = NULL};
	body_feed(b, &item->section, part, (struct transfer_taker){take_wire, &count});
	uint64_t left = count.size;
	uint64_t skip = item->partial ? item->offset : 0;
	left = skip < left ? left - skip : 0;
	if (item->partial && left > item->length)
		left = item->length;
	output_format(out, "{%llu}\r\n", (unsigned long long)left);
	struct wire w = {.out = out, .skip = skip, .left = left};
	body_feed(b, &item->section, part, (struct transfer_taker){take_wire, &w});
	for (; w.left > 0 && !out->failed; w.left--)
		output_write(out, " ", 1);
}

void
body_write_section(struct body *b, struct output *out, const struct fetch_item *item)
{
	struct mime_part root = {.kind = MIME_LEAF};
	const struct mime_part *part = body_find(b, &item->section, &root);
	if (part == NULL)
		output_text(out, "NIL");
	else
		write_literal(b, out, item, part);
}
