/* The recipient lines of a queue file, and the keys of both kinds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "queue/file.h"

bool
queue_file_unescape(char *field, size_t *len)
{
	size_t to = 0;
	for (size_t from = 0; from < *len; from++) {
		if (field[from] != '\\') {
			field[to++] = field[from];
			continue;
		}
		if (*len - from < 4 || field[from + 1] != 'x')
			return false;
		int high = ascii_hex_lower(field[from + 2]), low = ascii_hex_lower(field[from + 3]);
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return false;
		field[to++] = (char)(high << 4 | low);
		from += 3;
	}
	*len = to;
	return true;
}

static bool
make_room(struct queue_file *f)
{
	if (f->count < f->room)
		return true;
	size_t room = f->room == 0 ? 1 : f->room * 2;
	struct file_recipient *more = reallocarray(f->recipients, room, sizeof *more);
	if (more == NULL)
		return false;
	f->recipients = more;
	f->room = room;
	return true;
}

static enum recipient_status
status_of(char letter)
{
	switch (letter) {
	case RECIPIENT_WARNED:
	case RECIPIENT_DIVIDED:
	case RECIPIENT_DELIVERED:
	case RECIPIENT_SUCCEEDED:
	case RECIPIENT_RELAYED:
	case RECIPIENT_FAILED:
	case RECIPIENT_RETURNED:
		return (enum recipient_status)letter;
	default:
		return RECIPIENT_PENDING; /* torn: then it is tried again */
	}
}

void
queue_file_read_fields(struct file_recipient *r)
{
	r->code = slice_trim(slice_make(r->fields + 2, FILE_CODE_WIDTH));
	r->text = slice_trim(slice_make(r->fields + 2 + FILE_CODE_WIDTH + 1, FILE_TEXT_WIDTH));
}

/* `line` without its LF: "rcpt - code text <address> key=value ...". */
static bool
parse_line(struct file_recipient *r, char *line, size_t len)
{
	size_t fixed = FILE_FIELDS_AT + FILE_FIELDS_WIDTH + 1;
	if (len < fixed + 2 || memcmp(line, "rcpt ", 5) != 0 || line[fixed - 1] != ' ' || line[fixed] != '<')
		return false;
	r->fields = line + FILE_FIELDS_AT;
	r->status = status_of(r->fields[0]);
	queue_file_read_fields(r);
	struct slice rest = slice_make(line + fixed, len - fixed);
	struct slice address = slice_first(rest, slice_find(rest, ' '));
	r->keys = slice_trim(slice_from(rest, address.len));
	size_t inner = address.len;
	if (address.data[inner - 1] != '>' || inner < 3 || !queue_file_unescape(line + fixed, &inner))
		return false;
	r->address = slice_make(line + fixed + 1, inner - 2);
	struct slice value;
	r->final = queue_file_recipient_key(r, "final", &value);
	return true;
}

bool
queue_file_parse_recipients(struct queue_file *f, char *lines, size_t len, off_t offset, uint32_t parent)
{
	size_t at = 0;
	while (at < len) {
		char *stop = memchr(lines + at, '\n', len - at);
		if (stop == NULL || f->count >= 2 * FILE_RECIPIENTS_MOST || !make_room(f))
			return false;
		struct file_recipient *r = &f->recipients[f->count];
		*r = (struct file_recipient){.at = offset + (off_t)at + FILE_FIELDS_AT, .parent = parent};
		if (!parse_line(r, lines + at, (size_t)(stop - (lines + at))))
			return false;
		f->count++;
		at = (size_t)(stop - lines) + 1;
	}
	return true;
}

/* The part of `words` (separated by `separator`) that begins with "key=". */
static bool
find_key(struct slice words, char separator, const char *prefix, const char *key, struct slice *value)
{
	struct slice word;
	size_t skip = strlen(prefix), len = strlen(key);
	while (slice_split(&words, separator, &word)) {
		word = slice_from(word, skip);
		if (slice_starts(word, key) && word.len > len && word.data[len] == '=') {
			*value = slice_from(word, len + 1);
			return true;
		}
	}
	return false;
}

bool
queue_file_with(const struct queue_file *f, const char *key, struct slice *value)
{
	return find_key(f->with, '\n', "with ", key, value);
}

void
queue_file_with_text(const struct queue_file *f, const char *key, char *text, size_t room)
{
	struct slice value = slice_of("");
	queue_file_with(f, key, &value);
	value = slice_first(value, room - 1);
	/* An escape that the end cuts goes as a whole. */
	size_t escape = slice_find_last(value, '\\');
	size_t len = escape < value.len && value.len - escape < 4 ? escape : value.len;
	memcpy(text, value.data, len);
	if (!queue_file_unescape(text, &len))
		len = 0;
	text[len] = '\0';
}

bool
queue_file_recipient_key(const struct file_recipient *r, const char *key, struct slice *value)
{
	return find_key(r->keys, ' ', "", key, value);
}

const struct file_recipient *
queue_file_original(const struct queue_file *f, const struct file_recipient *r)
{
	/* A block's parent stands before it, so this ends. */
	while (r->parent != NO_PARENT)
		r = &f->recipients[r->parent];
	return r;
}

bool
queue_file_is_pending(const struct file_recipient *r)
{
	switch (r->status) {
	case RECIPIENT_PENDING:
	case RECIPIENT_WARNED:
	case RECIPIENT_DIVIDED:
		return !r->expanded;
	default:
		return false;
	}
}

bool
queue_file_is_delivered(const struct file_recipient *r)
{
	switch (r->status) {
	case RECIPIENT_DELIVERED:
	case RECIPIENT_SUCCEEDED:
	case RECIPIENT_RELAYED:
		return !r->expanded;
	default:
		return false;
	}
}
