#include "imapd/text_search.h"

#include <string.h>

#include "lib/base/file.h"
#include "lib/mail/casemap.h"
#include "lib/mail/charset.h"
#include "lib/mail/decoder.h"
#include "lib/mail/header.h"
#include "lib/mail/words.h"

#define WINDOW 16384

static enum text_found
result(const struct text_search *s)
{
	if (s->finder.found)
		return TEXT_FOUND;
	return s->failed || s->finder.failed ? TEXT_FAILED : TEXT_ABSENT;
}

static void
begin(struct text_search *s, struct body *b, const struct needle *needle)
{
	s->body = b;
	s->failed = s->decoded.failed = s->utf8.failed = false;
	s->decoded.limit = 2 * WINDOW;
	s->utf8.limit = 8 * WINDOW;
	finder_open(&s->finder, needle);
}

void
text_search_end(struct text_search *s)
{
	finder_close(&s->finder);
	str_free(&s->decoded);
	str_free(&s->utf8);
}

/* --- fields --------------------------------------------------------------------------- */

/* One line, no encoded word: as people read it already. */
static bool
is_plain(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] == '\n' || value.data[i] == '\r' || (value.data[i] == '=' && i + 1 < value.len && value.data[i + 1] == '?'))
			return false;
	return true;
}

static void
feed_value(struct text_search *s, struct slice value)
{
	if (is_plain(value)) {
		finder_feed(&s->finder, slice_trim(value));
		return;
	}
	struct str text = STR_MOST(value.len * 4 + 16);
	s->failed = !words_decode(&text, value) || s->failed;
	finder_feed(&s->finder, str_slice(&text));
	str_free(&text);
}

enum text_found
text_in_field(struct text_search *s, struct slice header, struct slice name, const struct needle *needle)
{
	struct header_reader reader;
	struct header_field field;
	bool there = false;
	uint32_t initials = name.len > 0 ? header_initial(name.data[0]) : 0;
	begin(s, NULL, needle);
	header_begin(&reader, header);
	while (header_next_among(&reader, initials, &field) && !(there && s->finder.found)) {
		if (!slice_equal_nocase(field.name, name))
			continue;
		there = true;
		finder_begin(&s->finder);
		feed_value(s, field.value);
	}
	return there ? result(s) : TEXT_ABSENT;
}

static void
feed_header(struct text_search *s, struct mime_range range)
{
	struct header_reader reader;
	struct header_field field;
	header_begin(&reader, slice_make(s->body->text.data + range.start, range.end - range.start));
	while (!s->finder.found && header_next(&reader, &field)) {
		finder_begin(&s->finder);
		finder_feed(&s->finder, field.name);
		finder_feed(&s->finder, slice_of(field.name.len > 0 ? ": " : ""));
		feed_value(s, field.value);
	}
}

/* --- bodies ------------------------------------------------------------------------------ */

struct part_reader {
	struct decoder        decoder;
	struct charset_reader charset;
};

static void
feed_window(struct text_search *s, struct part_reader *r, struct slice bytes)
{
	str_clear(&s->decoded);
	str_clear(&s->utf8);
	s->failed = !decoder_feed(&r->decoder, bytes, &s->decoded) ||
	            !charset_feed(&r->charset, str_slice(&s->decoded), &s->utf8) || s->failed;
	finder_feed(&s->finder, str_slice(&s->utf8));
}

static void
feed_bytes(struct text_search *s, struct part_reader *r, struct slice bytes)
{
	if (r->decoder.kind == DECODER_PLAIN && r->charset.iconv == (iconv_t)-1) {
		finder_feed(&s->finder, bytes);
		return;
	}
	for (; bytes.len > 0 && !s->finder.found; bytes = slice_from(bytes, WINDOW))
		feed_window(s, r, slice_first(bytes, WINDOW));
}

/* What of the file is not in memory belongs to the part that reaches so far. */
static void
feed_rest(struct text_search *s, struct part_reader *r)
{
	static char window[WINDOW];
	const struct body *b = s->body;
	for (uint64_t at = b->text.len; at < b->size && !s->finder.found; at += WINDOW) {
		size_t len = b->size - at < WINDOW ? (size_t)(b->size - at) : WINDOW;
		if (!file_read_at(b->fd, window, len, (off_t)at)) {
			s->failed = true;
			return;
		}
		feed_bytes(s, r, slice_make(window, len));
	}
}

static bool
is_text(const struct mime_part *p)
{
	return slice_is_nocase(p->type, "text") || slice_is_nocase(p->type, "message") || p->kind != MIME_LEAF;
}

static void
feed_body(struct text_search *s, const struct mime_part *p)
{
	struct part_reader r;
	decoder_begin(&r.decoder, p->encoding);
	if (!is_text(p) && r.decoder.kind != DECODER_PLAIN)
		return;
	s->failed = !charset_begin(&r.charset, is_text(p) ? part_charset(p) : charset_default()) || s->failed;
	finder_begin(&s->finder);
	feed_bytes(s, &r, slice_make(s->body->text.data + p->body.start, p->body.end - p->body.start));
	if (p->body.end == s->body->text.len)
		feed_rest(s, &r);
	str_clear(&s->utf8);
	charset_end(&r.charset, &s->utf8);
	finder_feed(&s->finder, str_slice(&s->utf8));
}

/* Its trigrams alone: whether it can be read makes no difference to the search. */
static void
gather_header(struct text_search *s, struct mime_range range, bool *whole)
{
	bool failed = s->failed;
	s->failed = false;
	s->finder.gathers = true;
	feed_header(s, range);
	s->finder.gathers = false;
	*whole = *whole && !s->failed;
	s->failed = failed;
}

/* The header of a message that is a part is of the body; those of parts are headers. */
static bool
is_within_message(const struct mime_tree *tree, const struct mime_part *p)
{
	return p->parent != MIME_NONE && tree->parts[p->parent].kind == MIME_MESSAGE;
}

enum text_found
text_in_message(struct text_search *s, struct body *b, const struct needle *needle, bool headers, struct trigrams *trigrams,
    bool *whole)
{
	const struct mime_tree *tree = body_tree(b);
	begin(s, b, needle);
	s->finder.trigrams = trigrams;
	*whole = trigrams != NULL;
	s->failed = tree == NULL;
	for (size_t i = 0; tree != NULL && i < tree->count && !s->finder.found; i++) {
		const struct mime_part *p = &tree->parts[i];
		if (headers || is_within_message(tree, p))
			feed_header(s, p->header);
		else if (trigrams != NULL)
			gather_header(s, p->header, whole);
		/* A multipart without any part is read as it stands. */
		if (p->kind == MIME_LEAF || p->first_child == MIME_NONE)
			feed_body(s, p);
	}
	return result(s);
}
