#include "imapd/parse.h"

#include <string.h>

#include "lib/mail/utf8.h"

static bool
is_atom(int byte)
{
	return byte > 0x20 && byte < 0x7f && strchr("(){%*\"\\]", byte) == NULL;
}

/* ASTRING-CHAR, and 8-bit bytes, which old clients send in folder names. */
static bool
is_astring(int byte)
{
	return is_atom(byte) || byte == ']' || byte >= 0x80;
}

static bool
is_list(int byte)
{
	return is_astring(byte) || byte == '%' || byte == '*';
}

static bool
is_tag(int byte)
{
	return is_astring(byte) && byte != '+' && byte < 0x80;
}

struct parser
parser_over(struct slice command, struct scratch *scratch)
{
	return (struct parser){.c = cursor_over(command), .scratch = scratch};
}

bool
parse_fail(struct parser *p, const char *error)
{
	if (p->error == NULL)
		p->error = error;
	return false;
}

bool
parse_space(struct parser *p)
{
	return cursor_take(&p->c, ' ') || parse_fail(p, "a space is missing");
}

bool
parse_end(struct parser *p)
{
	return cursor_at_end(&p->c) || parse_fail(p, "there is more than the command takes");
}

bool
parse_maybe(struct parser *p, char byte)
{
	return cursor_take(&p->c, byte);
}

bool
parse_byte(struct parser *p, char byte)
{
	if (cursor_take(&p->c, byte))
		return true;
	switch (byte) {
	case '(':
		return parse_fail(p, "a ( is missing");
	case ')':
		return parse_fail(p, "a ) is missing");
	case ']':
		return parse_fail(p, "a ] is missing");
	default:
		return parse_fail(p, "a character is missing");
	}
}

bool
parse_word(struct parser *p, const char *word)
{
	struct cursor c = p->c;
	if (!slice_is_nocase(cursor_take_while(&c, is_atom), word))
		return false;
	p->c = c;
	return true;
}

bool
parse_tag(struct parser *p, struct slice *tag)
{
	*tag = cursor_take_while(&p->c, is_tag);
	return tag->len > 0 || parse_fail(p, "the tag is missing");
}

bool
parse_atom(struct parser *p, struct slice *atom)
{
	*atom = cursor_take_while(&p->c, is_atom);
	return atom->len > 0 || parse_fail(p, "an atom is missing");
}

/* Bytes beyond ASCII of who has enabled UTF-8 are that, or the command is broken (RFC 6855 section 3). */
static bool
is_text(const struct parser *p, struct slice text)
{
	unsigned character;
	size_t len = 1;
	for (; p->utf8 && text.len > 0 && len > 0; text = slice_from(text, len))
		len = utf8_character(text, &character);
	return len > 0;
}

/* The length of the quoted text behind the opening quote, or -1; counts escapes. */
static long
measure_quoted(struct cursor c, size_t *escapes)
{
	long len = 0;
	for (*escapes = 0;; len++) {
		int byte = cursor_next(&c);
		if (byte == '"')
			return len;
		if (byte == '\\') {
			byte = cursor_next(&c);
			if (byte != '"' && byte != '\\')
				return -1;
			++*escapes;
			len++;
		}
		if (byte == CURSOR_END || byte == '\0' || byte == '\r' || byte == '\n')
			return -1;
	}
}

static bool
unescape(struct parser *p, struct slice raw, size_t escapes, struct slice *text)
{
	char *copy = scratch_take(p->scratch, raw.len - escapes + 1);
	if (copy == NULL)
		return parse_fail(p, "the command needs too much memory");
	size_t len = 0;
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.data[i] == '\\')
			i++;
		copy[len++] = raw.data[i];
	}
	*text = slice_make(copy, len);
	return true;
}

static bool
parse_quoted(struct parser *p, struct slice *text)
{
	size_t escapes;
	cursor_take(&p->c, '"');
	long len = measure_quoted(p->c, &escapes);
	if (len < 0)
		return parse_fail(p, "a quoted string is broken");
	cursor_take_bytes(&p->c, (size_t)len, text);
	cursor_take(&p->c, '"');
	if (!is_text(p, *text))
		return parse_fail(p, "a quoted string is no UTF-8");
	return escapes == 0 || unescape(p, *text, escapes, text);
}

static bool
parse_literal(struct parser *p, struct slice *text)
{
	uint64_t size;
	cursor_take(&p->c, '{');
	bool ok = cursor_take_number(&p->c, UINT32_MAX, &size);
	cursor_take(&p->c, '+');
	ok = ok && cursor_take(&p->c, '}') && cursor_take(&p->c, '\r') && cursor_take(&p->c, '\n') &&
	    cursor_take_bytes(&p->c, size, text);
	if (ok && !slice_has(*text, '\0'))
		return true;
	return parse_fail(p, ok ? "a literal holds a NUL" : "a literal is broken");
}

bool
parse_streamed_literal(struct parser *p, bool *eight)
{
	uint64_t size;
	*eight = cursor_take(&p->c, '~');
	if (!cursor_take(&p->c, '{') || !cursor_take_number(&p->c, UINT32_MAX, &size))
		return parse_fail(p, "a literal is missing");
	cursor_take(&p->c, '+');
	return (cursor_take(&p->c, '}') && cursor_at_end(&p->c)) || parse_fail(p, "a literal is broken");
}

bool
parse_string(struct parser *p, struct slice *text)
{
	int next = cursor_peek(&p->c);
	if (next == '"')
		return parse_quoted(p, text);
	if (next == '{')
		return parse_literal(p, text);
	return parse_fail(p, "a string is missing");
}

bool
parse_nstring(struct parser *p, struct slice *text)
{
	if (!parse_word(p, "NIL"))
		return parse_string(p, text);
	*text = slice_make(NULL, 0);
	return true;
}

static bool
parse_string_or(struct parser *p, bool (*wanted)(int), const char *error, struct slice *text)
{
	int next = cursor_peek(&p->c);
	if (next == '"' || next == '{')
		return parse_string(p, text);
	*text = cursor_take_while(&p->c, wanted);
	return text->len > 0 || parse_fail(p, error);
}

bool
parse_astring(struct parser *p, struct slice *text)
{
	return parse_string_or(p, is_astring, "a name or string is missing", text);
}

bool
parse_list_mailbox(struct parser *p, struct slice *pattern)
{
	return parse_string_or(p, is_list, "a folder pattern is missing", pattern);
}

bool
parse_number(struct parser *p, uint64_t most, uint64_t *number)
{
	return cursor_take_number(&p->c, most, number) || parse_fail(p, "a number is missing or too large");
}

bool
parse_flag(struct parser *p, struct slice *flag)
{
	struct cursor from = p->c;
	bool system = cursor_take(&p->c, '\\');
	struct slice name = cursor_take_while(&p->c, is_atom);
	if (name.len == 0)
		return parse_fail(p, "a flag is missing");
	*flag = slice_make(from.rest.data, name.len + system);
	return true;
}

static bool
parse_flags(struct parser *p, struct slice *flags, size_t most, size_t *count)
{
	do {
		if (*count == most)
			return parse_fail(p, "there are too many flags");
		if (!parse_flag(p, &flags[(*count)++]))
			return false;
	} while (cursor_take(&p->c, ' '));
	return true;
}

bool
parse_flag_list(struct parser *p, bool bare, struct slice *flags, size_t most, size_t *count)
{
	*count = 0;
	if (bare && cursor_peek(&p->c) != '(')
		return parse_flags(p, flags, most, count);
	if (!parse_byte(p, '('))
		return false;
	if (cursor_take(&p->c, ')'))
		return true;
	return parse_flags(p, flags, most, count) && parse_byte(p, ')');
}

bool
parse_id(struct parser *p, struct slice *client)
{
	struct slice key, value;
	*client = slice_make(NULL, 0);
	if (!parse_space(p))
		return false;
	if (parse_word(p, "NIL"))
		return parse_end(p);
	if (!parse_byte(p, '('))
		return false;
	if (parse_maybe(p, ')'))
		return parse_end(p);
	do {
		if (!parse_string(p, &key) || !parse_space(p) || !parse_nstring(p, &value))
			return false;
		if (slice_is_nocase(key, "name"))
			*client = value;
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')') && parse_end(p);
}
