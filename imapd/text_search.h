/*
 * Whether a text is in a message: in its fields or parts, decoded (RFC 9051 section 6.4.4: HEADER, BODY, TEXT).
 * Folders hold sketches of what it reads: who changes what a message is read as raises MEANING (prefilter.c).
 */
#ifndef IMAPD_TEXT_SEARCH_H
#define IMAPD_TEXT_SEARCH_H

#include "imapd/body.h"
#include "imapd/finder.h"

enum text_found { TEXT_FOUND, TEXT_ABSENT, TEXT_FAILED };

/* All zero at first; it keeps its memory from message to message. */
struct text_search {
	struct body  *body;
	struct finder finder;
	struct str    decoded, utf8; /* of one window */
	bool          failed;
};

void text_search_end(struct text_search *s);

/* In the value of a field of that name; encoded words are read. */
enum text_found text_in_field(struct text_search *s, struct slice header, struct slice name, const struct needle *needle);
/*
 * In the body; with `headers` in the header and those of its parts as well.
 * Parts of text and messages are decoded and read in their charset; of others
 * only what is not encoded is looked at. What the file has beyond what is in
 * memory is read in windows. `trigrams`, if not NULL, are those of header and
 * body when the text is absent and `*whole` is set.
 */
enum text_found text_in_message(struct text_search *s, struct body *b, const struct needle *needle, bool headers,
    struct trigrams *trigrams, bool *whole);

#endif
