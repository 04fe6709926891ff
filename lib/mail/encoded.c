#include "lib/mail/encoded.h"

#include <string.h>

#include "lib/base/encode.h"
#include "lib/mail/transfer.h"
#include "lib/mail/utf8.h"

#define TEXT_LINE_MOST 998 /* RFC 5322 section 2.1.1, without CRLF */
#define LINE_MOST 76  /* RFC 2047 section 2 */
#define WORD_MOST 900 /* what a line holds beside the name of a field */
#define ENCODED_BYTES 39 /* of one encoded word: 52 letters of base64, 12 around them, and "Subject: " before it */

static bool
is_line_end(struct slice bytes, size_t at)
{
	return bytes.len - at >= 2 && bytes.data[at] == '\r' && bytes.data[at + 1] == '\n';
}

static void
take(void *context, struct slice bytes)
{
	str_append_slice(context, bytes);
}

bool
quoted_printable_encode(struct str *into, struct slice bytes)
{
	struct transfer t;
	size_t from = 0;
	transfer_begin(&t, TRANSFER_QUOTED, (struct transfer_taker){.take = take, .context = into});
	for (size_t at = 0; at < bytes.len; at++) {
		if (!is_line_end(bytes, at))
			continue;
		transfer_write(&t, slice_make(bytes.data + from, at - from));
		transfer_end_line(&t);
		from = ++at + 1;
	}
	transfer_write(&t, slice_from(bytes, from));
	transfer_finish(&t);
	return !into->failed;
}

/* As much of a word as one line holds, by whole characters. */
static size_t
piece_of(struct slice word)
{
	if (word.len <= WORD_MOST)
		return word.len;
	size_t len = WORD_MOST;
	while (len > WORD_MOST - 3 && ((unsigned char)word.data[len] & 0xc0) == 0x80)
		len--;
	return len;
}

void
folded_append(struct str *into, size_t column, struct slice text, const char *indent)
{
	struct slice word;
	bool at_start = column <= strlen(indent);
	while (slice_split(&text, ' ', &word)) {
		while (word.len > 0) {
			size_t len = piece_of(word);
			if (column + 1 + len > LINE_MOST && !at_start) {
				str_append_text(into, "\r\n");
				str_append_text(into, indent);
				column = strlen(indent);
			}
			str_append_byte(into, ' ');
			str_append(into, word.data, len);
			column += 1 + len;
			at_start = false;
			word = slice_from(word, len);
		}
	}
}

bool
text_is_lines(struct slice text)
{
	size_t column = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		if (is_line_end(text, i)) {
			i++;
			column = 0;
		} else if (c == '\0' || c == '\n' || c == '\r' || ++column > TEXT_LINE_MOST) {
			return false;
		}
	}
	return true;
}

static bool
is_ascii_text(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < ' ' || text.data[i] > '~')
			return false;
	return true;
}

/* It would be read as an encoded word. */
static bool
looks_encoded(struct slice text)
{
	for (size_t i = 0; i + 1 < text.len; i++)
		if (text.data[i] == '=' && text.data[i + 1] == '?')
			return true;
	return false;
}

static bool
append_word(struct str *into, struct slice bytes)
{
	str_append_text(into, "=?utf-8?B?");
	base64_encode(into, bytes);
	return str_append_text(into, "?=");
}

static bool
append_words(struct str *into, struct slice text)
{
	char word[ENCODED_BYTES];
	size_t len = 0;
	str_append_byte(into, ' ');
	while (text.len > 0) {
		unsigned number = 0;
		size_t character = utf8_character(text, &number);
		bool good = character > 0 && number >= ' ' && number != 0x7f;
		character = character == 0 ? 1 : character;
		if (len + character > sizeof word) {
			append_word(into, slice_make(word, len));
			str_append_text(into, "\r\n ");
			len = 0;
		}
		for (size_t i = 0; i < character; i++)
			word[len++] = good ? text.data[i] : '?';
		text = slice_from(text, character);
	}
	return append_word(into, slice_make(word, len));
}

bool
encoded_unstructured(struct str *into, size_t column, struct slice text)
{
	if (!is_ascii_text(text) || looks_encoded(text))
		return append_words(into, text);
	folded_append(into, column, text, "");
	return !into->failed;
}

static bool
is_atom_or_space(char c)
{
	return ascii_is_alnum(c) || c == ' ' || slice_has(slice_of("!#$%&'*+-/=?^_`{|}~"), c);
}

bool
encoded_phrase(struct str *into, size_t column, struct slice text)
{
	bool plain = true;
	for (size_t i = 0; i < text.len; i++)
		plain = plain && is_atom_or_space(text.data[i]);
	if (plain || !is_ascii_text(text) || looks_encoded(text))
		return encoded_unstructured(into, column, text);
	str_append_text(into, " \"");
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			str_append_byte(into, '\\');
		str_append_byte(into, text.data[i]);
	}
	return str_append_byte(into, '"');
}
