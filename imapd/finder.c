#include "imapd/finder.h"

#include <string.h>

#include "lib/mail/casemap.h"

#define PIECE 8192 /* bytes that are folded at a time */

void
finder_open(struct finder *f, const struct needle *needle)
{
	*f = (struct finder){.needle = needle, .found = needle->text.len == 0, .tail = f->tail, .folded = f->folded};
	f->tail.limit = 2 * needle->text.len;
	f->folded.limit = (PIECE + sizeof f->held) * CASEMAP_GROWTH;
	f->tail.failed = f->folded.failed = false;
	finder_begin(f);
	str_clear(&f->folded);
}

void
finder_close(struct finder *f)
{
	str_free(&f->tail);
	str_free(&f->folded);
}

void
finder_begin(struct finder *f)
{
	str_clear(&f->tail);
	f->held_len = 0;
	if (f->trigrams != NULL)
		trigrams_begin(f->trigrams);
}

/* Folded, or ASCII in any case, which the needle does not mind. */
static void
look(struct finder *f, struct slice bytes)
{
	size_t keep = f->needle->text.len - 1;
	if (f->trigrams != NULL)
		trigrams_add(f->trigrams, bytes);
	if (f->gathers)
		return;
	if (f->tail.len > 0) {
		str_append_slice(&f->tail, slice_first(bytes, keep));
		f->found = needle_in(f->needle, str_slice(&f->tail));
	}
	f->found = f->found || needle_in(f->needle, bytes);
	if (f->tail.len == 0 || bytes.len >= keep)
		str_set(&f->tail, slice_from(bytes, bytes.len > keep ? bytes.len - keep : 0));
	else if (f->tail.len > keep)
		str_consume(&f->tail, f->tail.len - keep);
	f->failed = f->failed || f->tail.failed;
}

static void
fold_and_look(struct finder *f, struct slice utf8)
{
	str_clear(&f->folded);
	if (casemap_append(&f->folded, utf8))
		look(f, str_slice(&f->folded));
	else
		f->failed = true;
}

/* What was held and what it needs, as one text. */
static void
join_held(struct finder *f, struct slice *utf8)
{
	char joined[2 * sizeof f->held];
	size_t more = utf8->len < sizeof f->held ? utf8->len : sizeof f->held;
	memcpy(joined, f->held, f->held_len);
	memcpy(joined + f->held_len, utf8->data, more);
	struct slice all = slice_make(joined, f->held_len + more);
	size_t whole = casemap_whole(all);
	if (whole <= f->held_len) {
		/* Still not whole: all of it came. */
		f->held_len = all.len < sizeof f->held ? all.len : 0;
		memcpy(f->held, joined, f->held_len);
		*utf8 = slice_from(*utf8, more);
		return;
	}
	fold_and_look(f, slice_first(all, whole));
	*utf8 = slice_from(*utf8, whole - f->held_len);
	f->held_len = 0;
}

static void
feed_folded(struct finder *f, struct slice utf8)
{
	while (utf8.len > 0 && !f->found && !f->failed) {
		struct slice piece = slice_first(utf8, PIECE);
		size_t whole = casemap_whole(piece);
		if (whole == 0) {
			f->held_len = utf8.len;
			memcpy(f->held, utf8.data, utf8.len);
			return;
		}
		fold_and_look(f, slice_first(piece, whole));
		utf8 = slice_from(utf8, whole);
	}
}

void
finder_feed(struct finder *f, struct slice utf8)
{
	if (f->found || f->failed || utf8.len == 0)
		return;
	if (f->held_len > 0)
		join_held(f, &utf8);
	if (f->found || utf8.len == 0)
		return;
	if (casemap_is_ascii(utf8))
		look(f, utf8);
	else
		feed_folded(f, utf8);
}
