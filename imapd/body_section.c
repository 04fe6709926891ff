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
is_named(const struct section *section, struct slice name)
{
	for (size_t i = 0; i < section->count; i++)
		if (slice_equal_nocase(section->names[i], name))
			return true;
	return false;
}

static void
feed_fields(const struct section *section, struct slice header, struct transfer_taker taker)
{
	struct header_reader reader;
	struct header_field field;
	bool named = section->text == SECTION_FIELDS;
	uint32_t initials = named ? 0 : UINT32_MAX;
	for (size_t i = 0; i < section->count; i++)
		initials |= section->names[i].len > 0 ? header_initial(section->names[i].data[0]) : 0;
	header_begin(&reader, header);
	while (header_next_among(&reader, initials, &field))
		if (is_named(section, field.name) == named)
			give(taker, slice_first(slice_from(header, field.start), field.end - field.start));
	give(taker, slice_of("\r\n"));
}

void
body_range(const struct body *b, const struct section *section, const struct mime_part *part, struct body_range *range)
{
	struct mime_range of = section->text == SECTION_MIME || section->text == SECTION_HEADER ? part->header : part->body;
	bool whole = section->text == SECTION_ALL && section->part.len == 0, to_end = section->text == SECTION_ALL || section->text == SECTION_TEXT;
	*range = (struct body_range){.start = whole ? 0 : of.start, .end = of.end};
	/* What was not looked at belongs to the part that reaches so far. */
	if (to_end && of.end == b->text.len)
		range->end = b->size;
}

/* What of the file is not in memory is read in windows. */
static void
feed_file(const struct body *b, const struct body_range *range, struct transfer_taker taker)
{
	static char window[WINDOW];
	for (uint64_t at = range->start; at < range->end;) {
		size_t len = range->end - at < WINDOW ? (size_t)(range->end - at) : WINDOW;
		/* A file that is shorter than it was: who was told its size must fill it up. */
		if (!file_read_at(b->fd, window, len, (off_t)at))
			return;
		give(taker, slice_make(window, len));
		at += len;
	}
}

void
body_feed_range(const struct body *b, struct body_range range, struct transfer_taker taker)
{
	if (range.start < b->text.len) {
		size_t start = (size_t)range.start, end = range.end < b->text.len ? (size_t)range.end : b->text.len;
		give(taker, slice_make(b->text.data + start, end - start));
		range.start = end;
	}
	feed_file(b, &range, taker);
}

void
body_feed(const struct body *b, const struct section *section, const struct mime_part *part, struct transfer_taker taker)
{
	struct body_range range;
	if (section->text == SECTION_FIELDS || section->text == SECTION_FIELDS_NOT) {
		feed_fields(section, slice_make(b->text.data + part->header.start, part->header.end - part->header.start), taker);
		return;
	}
	body_range(b, section, part, &range);
	body_feed_range(b, range, taker);
}
