#include "imapd/parse_fetch.h"

#include <string.h>

#define NO_MEMORY "the command needs too much memory"

struct fetch_name {
	const char       *name;
	enum fetch_kind   kind;
	const char       *label;
	enum section_text text;
	bool              peek;
};

static const struct fetch_name names[] = {
	{"FLAGS", FETCH_FLAGS, NULL, 0, false},
	{"UID", FETCH_UID, NULL, 0, false},
	{"INTERNALDATE", FETCH_INTERNALDATE, NULL, 0, false},
	{"RFC822.SIZE", FETCH_SIZE, NULL, 0, false},
	{"ENVELOPE", FETCH_ENVELOPE, NULL, 0, false},
	{"MODSEQ", FETCH_MODSEQ, NULL, 0, false},
	{"SAVEDATE", FETCH_SAVEDATE, NULL, 0, false},
	{"EMAILID", FETCH_EMAILID, NULL, 0, false},
	{"THREADID", FETCH_THREADID, NULL, 0, false},
	{"PREVIEW", FETCH_PREVIEW, NULL, 0, true},
	{"BODYSTRUCTURE", FETCH_BODYSTRUCTURE, NULL, 0, false},
	{"BODY", FETCH_BODY, NULL, 0, false},
	{"RFC822", FETCH_SECTION, "RFC822", SECTION_ALL, false},
	{"RFC822.HEADER", FETCH_SECTION, "RFC822.HEADER", SECTION_HEADER, true},
	{"RFC822.TEXT", FETCH_SECTION, "RFC822.TEXT", SECTION_TEXT, false},
};

/* With a section in brackets behind them. */
static const struct {
	const char     *name;
	enum fetch_kind kind;
	bool            peek;
} sections[] = {
	{"BODY.PEEK", FETCH_SECTION, true},
	{"BODY", FETCH_SECTION, false},
	{"BINARY.PEEK", FETCH_BINARY, true},
	{"BINARY", FETCH_BINARY, false},
	{"BINARY.SIZE", FETCH_BINARY_SIZE, true},
};

static const struct {
	const char *name, *items;
} macros[] = {
	{"ALL", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"},
	{"FAST", "(FLAGS INTERNALDATE RFC822.SIZE)"},
	{"FULL", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)"},
};

static bool
is_name(int byte)
{
	return ascii_is_alnum(byte) || byte == '.';
}

static bool
is_part(int byte)
{
	return ascii_is_digit(byte) || byte == '.';
}

/* Numbers of 1 and more with single dots between them. */
static bool
part_ok(struct slice part)
{
	struct cursor c = cursor_over(part);
	uint64_t number;
	if (part.len == 0)
		return true;
	do {
		if (!cursor_take_nz_number(&c, UINT32_MAX, &number))
			return false;
	} while (cursor_take(&c, '.'));
	return cursor_at_end(&c);
}

static bool
parse_header_names(struct parser *p, struct section *section)
{
	section->names = scratch_take_array(p->scratch, SECTION_NAMES_MOST, sizeof *section->names);
	if (section->names == NULL)
		return parse_fail(p, NO_MEMORY);
	if (!parse_space(p) || !parse_byte(p, '('))
		return false;
	do {
		if (section->count == SECTION_NAMES_MOST)
			return parse_fail(p, "there are too many header names");
		if (!parse_astring(p, &section->names[section->count++]))
			return false;
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')');
}

static bool
section_text_of(struct slice name, enum section_text *text)
{
	static const struct {
		const char       *name;
		enum section_text text;
	} texts[] = {
		{"", SECTION_ALL}, {"HEADER", SECTION_HEADER}, {"TEXT", SECTION_TEXT}, {"MIME", SECTION_MIME},
		{"HEADER.FIELDS", SECTION_FIELDS}, {"HEADER.FIELDS.NOT", SECTION_FIELDS_NOT},
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (!slice_is_nocase(name, texts[i].name))
			continue;
		*text = texts[i].text;
		return true;
	}
	return false;
}

bool
parse_section(struct parser *p, struct section *section)
{
	*section = (struct section){.text = SECTION_ALL};
	section->part = cursor_take_while(&p->c, is_part);
	struct slice name = cursor_take_while(&p->c, is_name);
	/* "1.2.TEXT": the dot before the word belongs to neither. */
	if (name.len > 0 && section->part.len > 0) {
		if (!slice_ends(section->part, "."))
			return parse_fail(p, "a section is broken");
		section->part.len--;
	}
	if (!part_ok(section->part) || !section_text_of(name, &section->text))
		return parse_fail(p, "a section is unknown or broken");
	if (section->text == SECTION_MIME && section->part.len == 0)
		return parse_fail(p, "MIME needs a part number");
	if (section->text == SECTION_FIELDS || section->text == SECTION_FIELDS_NOT)
		return parse_header_names(p, section);
	return true;
}

static bool
parse_partial(struct parser *p, struct fetch_item *item)
{
	uint64_t offset, length;
	if (!parse_maybe(p, '<'))
		return true;
	if (!parse_number(p, UINT32_MAX, &offset) || !parse_byte(p, '.') || !parse_nz_number(p, UINT32_MAX, &length) ||
	    !parse_byte(p, '>'))
		return false;
	item->partial = true;
	item->offset = (uint32_t)offset;
	item->length = (uint32_t)length;
	return true;
}

/* Behind "[". */
static bool
parse_body_section(struct parser *p, struct fetch_item *item)
{
	if (!parse_section(p, &item->section) || !parse_byte(p, ']'))
		return false;
	if (item->kind != FETCH_SECTION && item->section.text != SECTION_ALL)
		return parse_fail(p, "BINARY takes the number of a part and no more");
	return item->kind == FETCH_BINARY_SIZE || parse_partial(p, item);
}

/* "PREVIEW (LAZY)": RFC 8970 section 4.1. Whether it is. */
static bool
take_preview_modifiers(struct parser *p)
{
	struct cursor before = p->c;
	bool lazy = cursor_take(&p->c, ' ') && cursor_take(&p->c, '(');
	while (lazy && parse_word(p, "LAZY"))
		if (!cursor_take(&p->c, ' '))
			break;
	/* Anything else in the parentheses is FETCH's own modifier, or a mistake. */
	if (lazy && cursor_take(&p->c, ')'))
		return true;
	p->c = before;
	return false;
}

static bool
find_section(struct slice name, struct fetch_item *item)
{
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		if (!slice_is_nocase(name, sections[i].name))
			continue;
		item->kind = sections[i].kind;
		item->peek = sections[i].peek;
		return true;
	}
	return false;
}

static bool
find_item(struct parser *p, struct slice name, struct fetch_item *item)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!slice_is_nocase(name, names[i].name))
			continue;
		item->kind = names[i].kind;
		item->label = names[i].label;
		item->section.text = names[i].text;
		item->peek = names[i].peek;
		if (item->kind == FETCH_PREVIEW)
			item->lazy = take_preview_modifiers(p);
		return true;
	}
	return false;
}

static bool
parse_item(struct parser *p, struct fetch_item *item)
{
	struct slice name = cursor_take_while(&p->c, is_name);
	bool known = cursor_peek(&p->c) == '[' ? find_section(name, item) : find_item(p, name, item);
	if (!known)
		return parse_fail(p, "there is an unknown item to fetch");
	return !parse_maybe(p, '[') || parse_body_section(p, item);
}

static bool
parse_item_list(struct parser *p, struct fetch_item **items)
{
	size_t count = 0;
	bool list = parse_maybe(p, '(');
	do {
		struct fetch_item *item = scratch_take(p->scratch, sizeof *item);
		if (item == NULL)
			return parse_fail(p, NO_MEMORY);
		if (++count > FETCH_ITEMS_MOST)
			return parse_fail(p, "there are too many items to fetch");
		if (!parse_item(p, item))
			return false;
		*items = item;
		items = &item->next;
	} while (list && parse_maybe(p, ' '));
	return !list || parse_byte(p, ')');
}

bool
parse_fetch_items(struct parser *p, struct fetch_item **items)
{
	*items = NULL;
	for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) {
		if (!parse_word(p, macros[i].name))
			continue;
		struct parser macro = parser_over(slice_of(macros[i].items), p->scratch);
		return parse_item_list(&macro, items) || parse_fail(p, NO_MEMORY);
	}
	return parse_item_list(p, items);
}
