#include "imapd/body.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/mail/imap_reply.h"

#define WINDOW     65536
#define ROOM_FIRST 16384 /* bytes: most letters */

/* The message; the memory stays for the next one. */
static void
let_go(struct body *b)
{
	if (b->mapped)
		munmap((void *)(uintptr_t)b->text.data, b->text.len);
	if (b->open && b->fd >= 0)
		close(b->fd);
	*b = (struct body){.fd = -1, .buffer = b->buffer, .room = b->room, .tree = b->tree};
}

void
body_close(struct body *b)
{
	let_go(b);
	mime_free(&b->tree);
	free(b->buffer);
	*b = (struct body){.fd = -1};
}

/* Doubled, so that letters of growing size do not ask each for more. */
static bool
make_room(struct body *b)
{
	size_t room = b->room > 0 ? b->room : ROOM_FIRST;
	while (room < b->size + 1)
		room *= 2;
	if (room == b->room)
		return true;
	free(b->buffer);
	b->buffer = malloc(room);
	b->room = b->buffer != NULL ? room : 0;
	return b->buffer != NULL;
}

static bool
read_small(struct body *b)
{
	if (!make_room(b) || !file_read_at(b->fd, b->buffer, b->size, 0))
		return false;
	b->text = slice_make(b->buffer, b->size);
	return true;
}

static bool
map_large(struct body *b)
{
	size_t len = b->size < BODY_MOST ? b->size : BODY_MOST;
	void *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, b->fd, 0);
	while (map == MAP_FAILED && errno == ENOMEM && len > BODY_READ)
		map = mmap(NULL, len /= 2, PROT_READ, MAP_PRIVATE, b->fd, 0);
	if (map == MAP_FAILED)
		return false;
	b->mapped = true;
	b->text = slice_make(map, len);
	return true;
}

static bool
load(struct body *b, const struct stat *st)
{
	b->size = (uint64_t)st->st_size;
	if (!(b->size <= BODY_READ ? read_small(b) : map_large(b)))
		return false;
	if (b->text.len == b->size) {
		close(b->fd);
		b->fd = -1;
	}
	return true;
}

bool
body_open(struct body *b, struct folder *f, struct message *m)
{
	if (b->open && b->folder == f && b->uid == m->uid)
		return true;
	struct stat st;
	let_go(b);
	b->open = true;
	b->folder = f;
	b->uid = m->uid;
	b->fd = folder_open_message_stat(f, m, &st);
	if (b->fd >= 0 && load(b, &st))
		return true;
	int saved = errno;
	body_close(b);
	errno = saved;
	return false;
}

const struct mime_tree *
body_tree(struct body *b)
{
	if (!b->parsed)
		b->parsed = mime_parse_again(&b->tree, b->text);
	return b->parsed ? &b->tree : NULL;
}

/* --- sections ------------------------------------------------------------------ */

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

static bool
is_wanted(const struct section *section, struct slice name)
{
	bool named = false;
	for (size_t i = 0; i < section->count && !named; i++)
		named = slice_equal_nocase(section->names[i], name);
	return named == (section->text == SECTION_FIELDS);
}

static void
feed_fields(const struct section *section, struct slice header, struct wire *w)
{
	struct header_reader reader;
	struct header_field field;
	header_begin(&reader, header);
	while (header_next(&reader, &field))
		if (is_wanted(section, field.name))
			wire_feed(w, slice_first(slice_from(header, field.start), field.end - field.start));
	wire_feed(w, slice_of("\r\n"));
}

/* The whole file; what is not in memory is read in windows. */
static void
feed_whole(const struct body *b, size_t from, struct wire *w)
{
	static char window[WINDOW];
	wire_feed(w, slice_from(b->text, from));
	for (uint64_t at = b->text.len; at < b->size;) {
		size_t len = b->size - at < WINDOW ? (size_t)(b->size - at) : WINDOW;
		/* A file that is shorter than it was: the literal's size is told, so it must be filled. */
		if (!file_read_at(b->fd, window, len, (off_t)at))
			return;
		wire_feed(w, slice_make(window, len));
		at += len;
	}
}

static void
feed_section(const struct body *b, const struct section *section, const struct mime_part *part, struct wire *w)
{
	bool root = section->part.len == 0;
	struct mime_range range = section->text == SECTION_MIME ? part->header : part->body;
	struct slice header = slice_make(b->text.data + part->header.start, part->header.end - part->header.start);
	switch (section->text) {
	case SECTION_HEADER:
		wire_feed(w, header);
		return;
	case SECTION_FIELDS:
	case SECTION_FIELDS_NOT:
		feed_fields(section, header, w);
		return;
	default:
		break;
	}
	if (root)
		feed_whole(b, section->text == SECTION_ALL ? 0 : part->body.start, w);
	else
		wire_feed(w, slice_make(b->text.data + range.start, range.end - range.start));
}

/* When a file gave less than was told, the rest of the literal is filled with spaces. */
static void
write_literal(const struct body *b, struct output *out, const struct fetch_item *item, const struct mime_part *part)
{
	struct wire count = {.out = NULL};
	feed_section(b, &item->section, part, &count);
	uint64_t left = count.size;
	uint64_t skip = item->partial ? item->offset : 0;
	left = skip < left ? left - skip : 0;
	if (item->partial && left > item->length)
		left = item->length;
	output_format(out, "{%llu}\r\n", (unsigned long long)left);
	struct wire w = {.out = out, .skip = skip, .left = left};
	feed_section(b, &item->section, part, &w);
	for (; w.left > 0 && !out->failed; w.left--)
		output_write(out, " ", 1);
}

/* What needs the structure: anything but the message itself, its header and its text. */
static const struct mime_part *
find_part(struct body *b, const struct section *section, struct mime_part *root)
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

void
body_write_section(struct body *b, struct output *out, const struct fetch_item *item)
{
	struct mime_part root = {.kind = MIME_LEAF};
	const struct mime_part *part = find_part(b, &item->section, &root);
	if (part == NULL)
		output_text(out, "NIL");
	else
		write_literal(b, out, item, part);
}
