#include "imapd/visible.h"

#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/number.h"
#include "lib/mail/utf8.h"

#define REPLACEMENT 0xfffd /* for bytes that are no character */

/* Elements whose content nobody sees. */
static const char *const hidden_elements[] = {"head", "style", "script", "title", "template"};

/* Those that mail has; others stay as they are written. */
static const struct {
	const char *name;
	unsigned    character;
} references[] = {
	{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}, {"nbsp", ' '}, {"shy", 0xad}, {"zwnj", 0x200c},
	{"zwj", 0x200d}, {"ensp", ' '}, {"emsp", ' '}, {"thinsp", ' '}, {"ndash", 0x2013}, {"mdash", 0x2014}, {"lsquo", 0x2018},
	{"rsquo", 0x2019}, {"ldquo", 0x201c}, {"rdquo", 0x201d}, {"bull", 0x2022}, {"hellip", 0x2026}, {"euro", 0x20ac},
	{"copy", 0xa9}, {"reg", 0xae}, {"laquo", 0xab}, {"raquo", 0xbb}, {"auml", 0xe4}, {"ouml", 0xf6}, {"uuml", 0xfc},
	{"Auml", 0xc4}, {"Ouml", 0xd6}, {"Uuml", 0xdc}, {"szlig", 0xdf}, {"agrave", 0xe0}, {"eacute", 0xe9}, {"egrave", 0xe8},
};

void
visible_begin(struct visible *v, struct str *into, unsigned characters, bool html, bool skips_quotes)
{
	*v = (struct visible){.into = into, .left = characters, .html = html, .skips_quotes = skips_quotes, .line_start = true};
}

/* --- what is shown ---------------------------------------------------------------------- */

static bool
is_space(unsigned c)
{
	return c <= ' ' || c == 0x7f || (c >= 0x80 && c <= 0xa0) || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	    c == 0x202f || c == 0x3000;
}

/* Soft hyphens, joiners, marks of direction: mail fills its hidden first lines with them. */
static bool
shows_nothing(unsigned c)
{
	return c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

static void
put(struct visible *v, unsigned c)
{
	if (v->left == 0) {
		v->full = true;
		return;
	}
	v->left--;
	v->full = !utf8_append(v->into, c) || v->left == 0;
}

static void
show(struct visible *v, unsigned c)
{
	if (shows_nothing(c) || v->full)
		return;
	if (is_space(c)) {
		v->space = true;
		return;
	}
	if (v->space && v->into->len > 0 && v->left > 1)
		put(v, ' ');
	else if (v->space && v->into->len > 0)
		v->full = true;
	v->space = false;
	if (!v->full)
		put(v, c);
}

/* --- plain text --------------------------------------------------------------------------- */

static void
take_plain(struct visible *v, unsigned c)
{
	if (v->line_start)
		v->quoted = v->skips_quotes && c == '>';
	v->line_start = c == '\n';
	if (!v->quoted || c == '\n')
		show(v, c);
}

/* --- HTML --------------------------------------------------------------------------------- */

static struct slice
word_of(const struct visible *v)
{
	return slice_make(v->word, v->word_len);
}

static void
add_to_word(struct visible *v, unsigned c)
{
	if (v->word_len < VISIBLE_WORD_MOST && c < 0x80)
		v->word[v->word_len++] = (char)c;
}

/* The tag's name is known: what is hidden begins or ends. A tag stands between words, as most of them do. */
static void
end_tag(struct visible *v)
{
	struct slice tag = word_of(v), name = slice_from(tag, slice_starts(tag, "/"));
	if (v->hidden != NULL) {
		if (slice_starts(tag, "/") && slice_is_nocase(name, v->hidden))
			v->hidden = NULL;
		return;
	}
	for (size_t i = 0; i < sizeof hidden_elements / sizeof *hidden_elements && !slice_starts(tag, "/"); i++)
		if (slice_is_nocase(name, hidden_elements[i]))
			v->hidden = hidden_elements[i];
	static const char *const within_words[] = {"b", "i", "u", "a", "em", "strong", "span", "font", "wbr", "small", "big", "code"};
	bool within = false;
	for (size_t i = 0; i < sizeof within_words / sizeof *within_words; i++)
		within = within || slice_is_nocase(name, within_words[i]);
	v->space = v->space || !within;
}

static void
begin_state(struct visible *v, int state)
{
	v->state = state;
	v->word_len = 0;
	v->quote = 0;
	v->dashes = 0;
}

static void
take_tag(struct visible *v, unsigned c)
{
	bool named = v->word_len > 0 && v->word[v->word_len - 1] == ' ';
	if (v->quote != 0) {
		v->quote = c == (unsigned char)v->quote ? 0 : v->quote;
	} else if (c == '>') {
		v->word_len -= named;
		end_tag(v);
		begin_state(v, VISIBLE_TEXT);
	} else if (named) {
		v->quote = c == '"' || c == '\'' ? (char)c : 0;
	} else if (v->word_len > 0 && (is_space(c) || c == '/')) {
		if (v->word_len < VISIBLE_WORD_MOST)
			add_to_word(v, ' ');
		else
			v->word[v->word_len - 1] = ' ';
	} else {
		add_to_word(v, c);
		if (slice_is(word_of(v), "!--"))
			begin_state(v, VISIBLE_COMMENT);
	}
}

static void
take_comment(struct visible *v, unsigned c)
{
	if (c == '>' && v->dashes >= 2)
		begin_state(v, VISIBLE_TEXT);
	v->dashes = c == '-' ? v->dashes + 1 : 0;
}

/* What "&...;" stands for; 0: it is none that is known. */
static unsigned
character_of(struct slice name)
{
	uint64_t number = 0;
	for (size_t i = 0; i < sizeof references / sizeof *references; i++)
		if (slice_is(name, references[i].name))
			return references[i].character;
	if (!slice_starts(name, "#"))
		return 0;
	name = slice_from(name, 1);
	if (!slice_starts_nocase(name, "x"))
		return number_parse(name, UTF8_CHARACTER_MOST, &number) && utf8_is_character((unsigned)number) ? (unsigned)number : 0;
	for (name = slice_from(name, 1); name.len > 0 && number <= UTF8_CHARACTER_MOST; name = slice_from(name, 1)) {
		int digit = ascii_hex((unsigned char)name.data[0]);
		if (digit < 0)
			return 0;
		number = number * 16 + (unsigned)digit;
	}
	return number <= UTF8_CHARACTER_MOST && utf8_is_character((unsigned)number) ? (unsigned)number : 0;
}

static void
show_word(struct visible *v, bool ended)
{
	show(v, '&');
	for (size_t i = 0; i < v->word_len; i++)
		show(v, (unsigned char)v->word[i]);
	if (ended)
		show(v, ';');
}

static void take_html(struct visible *v, unsigned c);

static void
take_reference(struct visible *v, unsigned c)
{
	bool goes_on = c < 0x80 && (ascii_is_alnum((int)c) || (c == '#' && v->word_len == 0)) && v->word_len < VISIBLE_WORD_MOST;
	if (goes_on) {
		add_to_word(v, c);
		return;
	}
	unsigned character = character_of(word_of(v));
	if (character != 0)
		show(v, character);
	else
		show_word(v, c == ';');
	begin_state(v, VISIBLE_TEXT);
	if (c != ';')
		take_html(v, c);
}

/* A "<" that begins no tag is a character as others are; in a script most of them are. */
static bool
begins_tag(const struct visible *v, unsigned c)
{
	bool names = c < 0x80 && ascii_is_alpha((int)c) && v->hidden == NULL;
	return names || c == '/' || c == '!' || c == '?';
}

static void
take_text(struct visible *v, unsigned c)
{
	if (c == '<')
		begin_state(v, VISIBLE_TAG);
	else if (v->hidden != NULL)
		return;
	else if (c == '&')
		begin_state(v, VISIBLE_REFERENCE);
	else
		show(v, c);
}

static void
take_html(struct visible *v, unsigned c)
{
	switch (v->state) {
	case VISIBLE_TEXT:
		take_text(v, c);
		return;
	case VISIBLE_TAG:
		if (v->word_len > 0 || begins_tag(v, c)) {
			take_tag(v, c);
			return;
		}
		begin_state(v, VISIBLE_TEXT);
		if (v->hidden == NULL)
			show(v, '<');
		take_text(v, c);
		return;
	case VISIBLE_COMMENT:
		take_comment(v, c);
		return;
	case VISIBLE_REFERENCE:
		take_reference(v, c);
		return;
	}
}

/* The end may be a character that has not come whole. */
static bool
is_cut(struct slice end)
{
	return end.len < 4 && (unsigned char)end.data[0] >= 0xc0;
}

size_t
visible_feed(struct visible *v, struct slice utf8)
{
	size_t taken = 0;
	unsigned c;
	for (size_t len; taken < utf8.len && !v->full; taken += len) {
		struct slice rest = slice_from(utf8, taken);
		len = utf8_character(rest, &c);
		if (len == 0 && is_cut(rest))
			return taken;
		if (len == 0) {
			len = 1;
			c = REPLACEMENT;
		}
		if (v->html)
			take_html(v, c);
		else
			take_plain(v, c);
	}
	return taken;
}
