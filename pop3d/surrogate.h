/*
 * The surrogate of a message with UTF-8 in its headers (RFC 6532), for clients
 * that have not said UTF8 (RFC 6856 section 2.1): the headers, the message's
 * and those of its parts and of messages within it, take the form that all
 * clients know (surrogate_field.h). All else goes on as it is, and a message
 * whose headers are ASCII goes on byte for byte.
 *
 * It is fed with whatever pieces the file gives. What is kept does not grow
 * with the message: a field, a line, one boundary a level. Of a field or a line of a
 * header that is longer than that, bytes beyond ASCII become '?'.
 */
#ifndef POP3D_SURROGATE_H
#define POP3D_SURROGATE_H

#include <stdbool.h>

#include "lib/base/str.h"
#include "lib/mail/boundary.h"
#include "lib/mail/transfer.h"

#define SURROGATE_FIELD_MOST (64u << 10)  /* bytes of a field, or of a line */
#define SURROGATE_WRITTEN    (512u << 10) /* that one may become */

struct surrogate {
	struct transfer_taker taker;
	struct boundaries     boundaries;
	struct str            line;    /* whose end has not come yet */
	struct str            field;   /* with its folds; its end is not known before the next line */
	struct str            content; /* the fields that say what the body is */
	struct str            written;
	bool                  in_header, in_digest;
	bool                  is_over; /* the field is too long: it goes on as it comes, in ASCII */
	bool                  is_open; /* so does the rest of the line */
};

/* Begins a message. The memory of the one before serves again. */
void surrogate_begin(struct surrogate *s, struct transfer_taker taker);
void surrogate_feed(struct surrogate *s, struct slice bytes);
/* The message ends. */
void surrogate_end(struct surrogate *s);
void surrogate_free(struct surrogate *s);

#endif
