#include "lib/mail/decoded.h"

#include <iconv.h>
#include <stdio.h>

#include "lib/base/ascii.h"
#include "lib/base/cursor.h"
#include "lib/base/encode.h"
#include "lib/mail/address.h"
#include "lib/mail/utf8.h"

#define CHARSET_MOST 40   /* bytes of its name */
#define WORD_MOST    8192 /* bytes of a word; RFC 2047 says 75, and some write more */

struct word {
	struct slice charset;
	char         encoding;
	struct slice text;
};

/* --- one word ------------------------------------------------------------------------- */

static bool
is_token_byte(int byte)
{
	return byte > ' ' && byte < 0x7f && byte != '?';
}

/* "=?charset*language?B?text?=" */
static bool
take_word(struct cursor *c, struct word *w)
{
	struct cursor at = *c;
	if (!cursor_take(&at, '=') || !cursor_take(&at, '?'))
		return false;
	w->charset = cursor_take_while(&at, is_token_byte);
	w->charset = slice_first(w->charset, slice_find(w->charset, '*'));
	if (w->charset.len == 0 || w->charset.len > CHARSET_MOST || !cursor_take(&at, '?'))
		return false;
	w->encoding = (char)ascii_lower(cursor_next(&at));
	if ((w->encoding != 'b' && w->encoding != 'q') || !cursor_take(&at, '?'))
		return false;
	w->text = cursor_take_while(&at, is_token_byte);
	if (w->text.len > WORD_MOST || !cursor_take(&at, '?') || !cursor_take(&at, '='))
		return false;
	*c = at;
	return true;
}

static bool
decode_q(struct str *into, struct slice text)
{
	struct cursor c = cursor_over(text);
	while (!cursor_at_end(&c)) {
		int byte = cursor_next(&c);
		if (byte == '=') {
			int high = ascii_hex(cursor_next(&c)), low = ascii_hex(cursor_next(&c));
			if (high < 0 || low < 0)
				return false;
			byte = high << 4 | low;
		} else if (byte == '_') {
			byte = ' ';
		}
		str_append_byte(into, (char)byte);
	}
	return !into->failed;
}

/* --- charsets ---------------------------------------------------------------------------- */

static bool
append_latin1(struct str *into, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		utf8_append(into, (unsigned char)bytes.data[i]);
	return !into->failed;
}

/* musl has its tables in itself; glibc reads them from files, which a confined program cannot: then the word stays. */
static bool
append_converted(struct str *into, const char *charset, struct slice bytes)
{
	char room[4 * WORD_MOST];
	char *in = (char *)bytes.data, *out = room;
	size_t in_left = bytes.len, out_left = sizeof room;
	iconv_t converter = iconv_open("UTF-8", charset);
	if (converter == (iconv_t)-1)
		return false;
	bool ok = iconv(converter, &in, &in_left, &out, &out_left) != (size_t)-1 && iconv(converter, NULL, NULL, &out, &out_left) != (size_t)-1;
	iconv_close(converter);
	struct slice text = slice_make(room, (size_t)(out - room));
	return ok && in_left == 0 && address_is_utf8(text) && str_append_slice(into, text);
}

static bool
append_utf8(struct str *into, struct slice charset, struct slice bytes)
{
	char name[CHARSET_MOST + 1];
	if (slice_is_nocase(charset, "utf-8") || slice_is_nocase(charset, "us-ascii"))
		return address_is_utf8(bytes) && str_append_slice(into, bytes);
	if (slice_is_nocase(charset, "iso-8859-1"))
		return append_latin1(into, bytes);
	/* What glibc reads in such a name behind a slash is an order to its converter. */
	if (slice_has(charset, '/') || slice_has(charset, ','))
		return false;
	/* Mail that says gb2312 has the characters of its superset. */
	if (slice_is_nocase(charset, "gb2312"))
		charset = slice_of("gb18030");
	snprintf(name, sizeof name, "%.*s", (int)charset.len, charset.data);
	return append_converted(into, name, bytes);
}

static bool
append_word(struct str *into, const struct word *w)
{
	struct str bytes = STR_MOST(WORD_MOST);
	bool ok = w->encoding == 'b' ? base64_decode(&bytes, w->text) : decode_q(&bytes, w->text);
	ok = ok && append_utf8(into, w->charset, str_slice(&bytes));
	str_free(&bytes);
	return ok;
}

/* --- the value ------------------------------------------------------------------------------ */

static bool
is_space(int byte)
{
	return byte == ' ' || byte == '\t';
}

static bool
is_no_space(int byte)
{
	return !is_space(byte);
}

/* A run without spaces and those before it, which are none of the text between two words. True when it ends in a word. */
static bool
append_run(struct str *into, struct slice spaces, struct slice run, bool after_word)
{
	struct cursor c = cursor_over(run);
	bool decoded = false, first = true;
	while (!cursor_at_end(&c)) {
		struct str text = STR_MOST(4 * WORD_MOST);
		struct cursor before = c;
		struct word w;
		decoded = take_word(&c, &w) && append_word(&text, &w);
		if (first && !(decoded && after_word))
			str_append_slice(into, spaces);
		if (decoded) {
			str_append_slice(into, str_slice(&text));
		} else {
			c = before;
			str_append_byte(into, (char)cursor_next(&c));
		}
		str_free(&text);
		first = false;
	}
	if (first)
		str_append_slice(into, spaces);
	return decoded;
}

bool
decoded_words(struct str *into, struct slice text)
{
	struct cursor c = cursor_over(text);
	bool after_word = false;
	while (!cursor_at_end(&c)) {
		struct slice spaces = cursor_take_while(&c, is_space);
		after_word = append_run(into, spaces, cursor_take_while(&c, is_no_space), after_word);
	}
	return !into->failed;
}
