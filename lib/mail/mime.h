/*
 * The structure of a MIME message (RFC 2045, 2046) over one slice, as a tree
 * of offsets. Nothing is copied or decoded, time is linear, parts are bounded
 * by budget.h; what is over budget or broken is a leaf. Slices of the parts
 * point into the message, which must live as long.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cursor.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"

#define MIME_NONE UINT32_MAX

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART, /* may have no child, when no boundary line was found */
	MIME_MESSAGE,   /* message/rfc822 or message/global, not encoded: one child, the message */
};

/* A stretch of the message. IMAP sends all line ends as CRLF: its size there is end - start + bare. */
struct mime_range {
	size_t start, end;
	size_t lines; /* line ends in it */
	size_t bare;  /* of those without a CR */
};

struct mime_part {
	enum mime_kind kind;
	uint32_t parent, first_child, next; /* index in parts[], or MIME_NONE */
	uint32_t depth;                     /* 0: the message itself */
	struct mime_range header; /* with the empty line */
	struct mime_range body;   /* without the line end that belongs to the boundary */
	/* As written, or the default: text/plain, within multipart/digest message/rfc822. */
	struct slice type, subtype;
	struct slice parameters;  /* of Content-Type: read with mime_parameters_begin() */
	struct slice encoding;    /* one word; empty: 7bit */
	struct slice id, description, md5, location, language; /* raw values, for header_unfold(); data NULL: absent */
	struct slice disposition; /* one word; data NULL: absent */
	struct slice disposition_parameters;
};

struct mime_tree {
	struct mime_part *parts; /* parts[0] is the message itself; parents before children, in order of the text */
	size_t            count, room;
	bool              over;  /* a budget was reached */
};

/* False when there is no memory; the tree is empty then. Always at least one part otherwise. */
bool mime_parse(struct mime_tree *t, struct slice message);
/* The same in the memory of a tree that was parsed before, or is all zero. */
bool mime_parse_again(struct mime_tree *t, struct slice message);
void mime_free(struct mime_tree *t);

/*
 * The part of an IMAP section (RFC 9051 section 6.4.5.1): "" is the message,
 * "1.2" a part; only numbers, HEADER, TEXT and MIME are the caller's. NULL when
 * there is none. The 1 of a message that is not multipart is the message itself.
 */
const struct mime_part *mime_find(const struct mime_tree *t, struct slice section);
/* The only child of a MIME_MESSAGE (its header and body are HEADER and TEXT of that section). */
const struct mime_part *mime_child(const struct mime_tree *t, const struct mime_part *p);

/* Parameters one by one, as written (RFC 2231 names such as "filename*0*" too), values unquoted. */
struct mime_parameters {
	struct cursor text;
	size_t        count;
	struct str    value;
};

void mime_parameters_begin(struct mime_parameters *p, struct slice parameters);
/* The next; `*value` is valid until the next call. False at the end, over budget or without memory. */
bool mime_parameters_next(struct mime_parameters *p, struct slice *name, struct slice *value);
void mime_parameters_end(struct mime_parameters *p);
/* Sets `into` to the value of one; false when it is not there. */
bool mime_parameter(struct slice parameters, const char *name, struct str *into);

/* The next word of a list with commas (Content-Language). */
bool mime_word_next(struct cursor *list, struct slice *word);

#endif
