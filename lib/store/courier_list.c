/* The texts of Courier's files. */
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/store/courier.h"
#include "lib/store/folders.h"
#include "lib/store/utf7.h"

bool
courier_parse_list(struct courier_list *l, struct slice text)
{
	l->count = 0;
	while (text.len > 0) {
		size_t end = slice_find(text, '\n');
		struct slice line = slice_first(text, end);
		text = slice_from(text, end + 1);
		if (line.len == 0) {
			l->messages = text;
			return true;
		}
		if (l->count == COURIER_NAMES_MOST)
			return false;
		l->names[l->count++] = line;
	}
	return false;
}

bool
courier_next_message(struct slice *rest, struct slice *base, struct slice *numbers)
{
	struct slice line;
	while (slice_split(rest, '\n', &line)) {
		size_t colon = slice_find(line, ':');
		if (colon == 0 || colon == line.len)
			continue;
		*base = slice_first(line, colon);
		*numbers = slice_from(line, colon + 1);
		return true;
	}
	return false;
}

bool
courier_next_number(const struct courier_list *l, struct slice *numbers, size_t *number)
{
	struct slice word;
	while (slice_split(numbers, ' ', &word)) {
		struct cursor c = cursor_over(word);
		uint64_t value;
		if (!cursor_take_number(&c, COURIER_NAMES_MOST, &value) || !cursor_at_end(&c) || value >= l->count)
			continue;
		*number = (size_t)value;
		return true;
	}
	return false;
}

bool
courier_parse_file_name(struct slice file, struct slice *base, uint64_t *generation)
{
	*base = file;
	*generation = UINT64_MAX;
	if (slice_starts(file, ".")) {
		struct cursor c = cursor_over(slice_from(file, 1));
		if (!cursor_take_number(&c, UINT64_MAX - 1, generation) || !cursor_take(&c, '.'))
			return false;
		*base = c.rest;
	}
	return base->len > 0 && base->data[0] != '.' && !slice_has(*base, ':');
}

bool
courier_folder_name(struct slice line, struct str *name)
{
	str_clear(name);
	if (folders_is_inbox(line))
		return str_append_text(name, "INBOX");
	if (!slice_starts_nocase(line, "INBOX."))
		return false;
	struct slice rest = slice_from(line, 6);
	/* Older ones wrote modified UTF-7. */
	if (folders_name_ok(rest))
		return str_append_slice(name, rest);
	return utf7_from_utf8(name, rest) && folders_name_ok(str_slice(name));
}

/* --- courierpop3dsizelist ------------------------------------------------------ */

/* Version 0 gave the file's name, with +XX for what may not be in a UIDL, and for ' " and +. */
static bool
append_name(struct str *into, struct slice base)
{
	for (size_t i = 0; i < base.len; i++) {
		unsigned char byte = (unsigned char)base.data[i];
		if (byte < 0x21 || byte > 0x7e || byte == '\'' || byte == '"' || byte == '+')
			str_append_format(into, "+%02X", byte);
		else
			str_append_byte(into, (char)byte);
	}
	return !into->failed;
}

static bool
append_uidl(struct str *into, struct slice base, struct slice numbers)
{
	struct cursor c = cursor_over(numbers);
	uint64_t size, uid = 0, validity = 0, rest;
	if (!cursor_take_number(&c, UINT64_MAX, &size))
		return false;
	if (cursor_take(&c, ' ') && !cursor_take_number(&c, UINT64_MAX, &uid))
		return false;
	if (cursor_take(&c, ':') && !cursor_take_number(&c, UINT64_MAX, &validity))
		return false;
	if (cursor_take(&c, ':') && !cursor_take_number(&c, UINT64_MAX, &rest))
		return false;
	if (!cursor_at_end(&c))
		return false;
	if (uid == 0)
		return append_name(into, base);
	return validity == 0 ? str_append_format(into, "UID%llu", (unsigned long long)uid)
	                     : str_append_format(into, "UID%llu-%llu", (unsigned long long)uid, (unsigned long long)validity);
}

bool
courier_parse_size(struct slice line, struct slice *base, struct str *uidl)
{
	size_t space = slice_find(line, ' ');
	struct slice name = slice_first(line, space);
	*base = slice_first(name, slice_find(name, ':'));
	return space < line.len && base->len > 0 && append_uidl(uidl, *base, slice_from(line, space + 1));
}
