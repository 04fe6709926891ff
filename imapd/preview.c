#include "imapd/preview.h"

#include "imapd/visible.h"
#include "lib/mail/charset.h"
#include "lib/mail/decoder.h"

#define WINDOW 4096 /* bytes that are decoded at once */

static bool
is_text(const struct mime_part *p, const char *subtype)
{
	return p->kind == MIME_LEAF && slice_is_nocase(p->type, "text") && slice_is_nocase(p->subtype, subtype) &&
	    !slice_is_nocase(p->disposition, "attachment");
}

/* Of alternatives the plain one (RFC 2046 section 5.1.4: the others say the same). */
static const struct mime_part *
plain_beside(const struct mime_tree *t, const struct mime_part *p)
{
	const struct mime_part *parent = p->parent != MIME_NONE ? &t->parts[p->parent] : NULL;
	if (parent == NULL || !slice_is_nocase(parent->subtype, "alternative"))
		return p;
	for (uint32_t i = parent->first_child; i != MIME_NONE; i = t->parts[i].next)
		if (is_text(&t->parts[i], "plain"))
			return &t->parts[i];
	return p;
}

static const struct mime_part *
find_text(const struct mime_tree *t)
{
	for (size_t i = 0; i < t->count; i++) {
		if (is_text(&t->parts[i], "plain"))
			return &t->parts[i];
		if (is_text(&t->parts[i], "html"))
			return plain_beside(t, &t->parts[i]);
	}
	return NULL;
}

struct reading {
	struct decoder        decoder;
	struct charset_reader charset;
	struct visible        visible;
	struct str            decoded, utf8;
	bool                  failed;
};

static void
show_some(struct reading *r)
{
	str_consume(&r->utf8, visible_feed(&r->visible, str_slice(&r->utf8)));
}

static void
read_part(struct reading *r, struct slice bytes)
{
	for (; bytes.len > 0 && !r->visible.full; bytes = slice_from(bytes, WINDOW)) {
		str_clear(&r->decoded);
		r->failed = !decoder_feed(&r->decoder, slice_first(bytes, WINDOW), &r->decoded) ||
		    !charset_feed(&r->charset, str_slice(&r->decoded), &r->utf8) || r->failed;
		show_some(r);
	}
}

/* False without memory. */
static bool
show_part(struct slice text, const struct mime_part *p, struct str *into, bool skip_quotes)
{
	struct reading r = {.decoded = STR_MOST(2 * WINDOW), .utf8 = STR_MOST(8 * WINDOW)};
	struct slice body = slice_make(text.data + p->body.start, p->body.end - p->body.start);
	decoder_begin(&r.decoder, p->encoding);
	r.failed = !charset_begin(&r.charset, part_charset(p));
	visible_begin(&r.visible, into, PREVIEW_CHARACTERS, slice_is_nocase(p->subtype, "html"), skip_quotes);
	read_part(&r, slice_first(body, PREVIEW_READ));
	charset_end(&r.charset, &r.utf8);
	show_some(&r);
	str_free(&r.decoded);
	str_free(&r.utf8);
	return !r.failed && !into->failed;
}

bool
preview_make(struct body *b, struct str *into)
{
	const struct mime_tree *tree = body_tree(b);
	if (tree == NULL)
		return false;
	const struct mime_part *p = find_text(tree);
	if (p == NULL)
		return true;
	if (!show_part(b->text, p, into, true))
		return false;
	/* Nothing but quotations: then they are what there is to show. */
	return into->len > 0 || show_part(b->text, p, into, false);
}
