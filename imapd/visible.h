/*
 * What is read of a text in UTF-8 that comes piece by piece: one line, words
 * with single spaces between them, and no more than a number of characters.
 * Characters that show nothing are left out; of HTML, its tags, comments, and
 * what is in head, style and script as well, and references are read. A plain
 * text's lines that quote another message (">") are passed over where asked.
 */
#ifndef IMAPD_VISIBLE_H
#define IMAPD_VISIBLE_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define VISIBLE_WORD_MOST 32 /* bytes of a tag's name or a reference that are looked at */

struct visible {
	struct str *into;
	unsigned    left;         /* characters */
	bool        html;
	bool        skips_quotes;
	bool        full;         /* no more is wanted, or `into` is full */

	/* Its own. */
	bool space;               /* one is due before the next character */
	bool line_start, quoted;  /* of a plain text */
	enum { VISIBLE_TEXT, VISIBLE_TAG, VISIBLE_COMMENT, VISIBLE_REFERENCE } state;
	char        quote;        /* within a tag: the value's quotation mark, or 0 */
	const char *hidden;       /* the element that is passed over, or NULL */
	char        word[VISIBLE_WORD_MOST];
	size_t      word_len;
	unsigned    dashes;       /* of a comment: how many came last */
};

void visible_begin(struct visible *v, struct str *into, unsigned characters, bool html, bool skips_quotes);
/* How many bytes were taken: not those of a character at the end that is not whole; they are fed again with what follows. */
size_t visible_feed(struct visible *v, struct slice utf8);

#endif
