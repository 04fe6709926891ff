#include "lib/mail/words.h"

#include "lib/mail/charset.h"
#include "lib/mail/decoder.h"
#include "lib/mail/header.h"

struct word {
	const struct charset *charset;
	char                  encoding; /* 'Q' or 'B' */
	struct slice          text;
	size_t                len;      /* of all of it */
};

/* A reader stays open from word to word. */
struct words {
	struct str           *into;
	struct charset_reader reader;
	bool                  reading;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What stands before the next '?'; a word has no spaces in its first two parts. */
static bool
take_part(struct slice *rest, struct slice *part)
{
	size_t len = 0;
	while (len < rest->len && rest->data[len] != '?' && !is_blank(rest->data[len]))
		len++;
	*part = slice_first(*rest, len);
	if (len == rest->len || rest->data[len] != '?')
		return false;
	*rest = slice_from(*rest, len + 1);
	return true;
}

/* The text up to "?="; senders leave spaces in it. */
static bool
take_text(struct slice *rest, struct slice *text)
{
	size_t at = slice_find(*rest, '?');
	*text = slice_first(*rest, at);
	if (at + 1 >= rest->len || rest->data[at + 1] != '=')
		return false;
	*rest = slice_from(*rest, at + 2);
	return true;
}

/* "=?charset[*language]?Q?text?=" at the start of `text`. */
static bool
parse_word(struct slice text, struct word *w)
{
	struct slice rest = slice_from(text, 2), name, encoding;
	if (!slice_starts(text, "=?") || !take_part(&rest, &name) || !take_part(&rest, &encoding) || encoding.len != 1)
		return false;
	w->encoding = (char)ascii_upper((unsigned char)encoding.data[0]);
	w->charset = charset_find(slice_first(name, slice_find(name, '*')));
	if ((w->encoding != 'Q' && w->encoding != 'B') || w->charset == NULL || !take_text(&rest, &w->text))
		return false;
	w->len = text.len - rest.len;
	return true;
}

static void
stop_reading(struct words *s)
{
	if (s->reading)
		charset_end(&s->reader, s->into);
	s->reading = false;
}

/* Decoded in pieces, so that no text needs as much memory again. */
static void
append_word(struct words *s, const struct word *w)
{
	struct str piece = STR_MOST(1024);
	struct decoder d;
	char raw[512];
	if (!s->reading || s->reader.charset != w->charset) {
		stop_reading(s);
		charset_begin(&s->reader, w->charset);
		s->reading = true;
	}
	decoder_begin(&d, slice_make(&w->encoding, 1));
	for (struct slice rest = w->text; rest.len > 0; rest = slice_from(rest, sizeof raw)) {
		size_t len = rest.len < sizeof raw ? rest.len : sizeof raw;
		for (size_t i = 0; i < len; i++)
			raw[i] = w->encoding == 'Q' && rest.data[i] == '_' ? ' ' : rest.data[i];
		str_clear(&piece);
		decoder_feed(&d, slice_make(raw, len), &piece);
		charset_feed(&s->reader, str_slice(&piece), s->into);
	}
	str_free(&piece);
}

static void
append_plain(struct words *s, struct slice text)
{
	if (text.len == 0)
		return;
	stop_reading(s);
	str_append_slice(s->into, text);
}

static void
decode_line(struct words *s, struct slice line)
{
	struct word w;
	bool behind_word = false; /* only blanks since the last one */
	while (line.len > 0) {
		size_t at = 0, blanks = 0;
		while (blanks < line.len && is_blank(line.data[blanks]))
			blanks++;
		if (parse_word(slice_from(line, blanks), &w)) {
			append_plain(s, slice_first(line, behind_word ? 0 : blanks));
			append_word(s, &w);
			line = slice_from(line, blanks + w.len);
			behind_word = true;
			continue;
		}
		/* To the next that may be one, or the next blanks. */
		for (at = blanks + 1; at < line.len && !is_blank(line.data[at]) && !slice_starts(slice_from(line, at), "=?"); at++)
			;
		append_plain(s, slice_first(line, at));
		line = slice_from(line, at);
		behind_word = false;
	}
	stop_reading(s);
}

static bool
may_have_words(struct slice value)
{
	for (; value.len > 0; value = slice_from(value, 1)) {
		value = slice_from(value, slice_find(value, '='));
		if (slice_starts(value, "=?"))
			return true;
	}
	return false;
}

bool
words_decode(struct str *into, struct slice value)
{
	if (!may_have_words(value))
		return header_unfold(into, value);
	struct str line = STR_MOST(value.len + 1);
	struct words s = {.into = into};
	if (header_unfold(&line, value))
		decode_line(&s, str_slice(&line));
	str_free(&line);
	return !into->failed;
}
