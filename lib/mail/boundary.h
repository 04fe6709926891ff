/*
 * The boundaries of the multiparts that somebody is in who reads a message
 * line by line (RFC 2046 section 5.1.1). What is kept does not grow with the
 * message: one boundary a level.
 */
#ifndef MAIL_BOUNDARY_H
#define MAIL_BOUNDARY_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/mail/budget.h"
#include "lib/mail/mime.h"

#define BOUNDARY_MOST 250 /* RFC 2046 says 70 */

struct boundaries {
	size_t depth; /* 0: within no multipart */
	struct {
		char   text[BOUNDARY_MOST];
		size_t len;
		bool   digest, closed;
	} levels[BUDGET_MIME_NESTING];
};

enum boundary {
	BOUNDARY_NONE, /* it is no boundary */
	BOUNDARY_NEXT, /* a part begins, in the level that is the innermost one now */
	BOUNDARY_LAST, /* that level has no more parts */
};

/* The body of a multipart begins. False: it has no boundary that could be found again, so it is read as one part. */
bool boundaries_open(struct boundaries *b, const struct mime_part *p);
/* What a line without its end is. What lies within the multipart that it belongs to is left, and that one is the innermost. */
enum boundary boundaries_find(struct boundaries *b, struct slice line);
/* Whether the parts of the innermost multipart are messages if they do not say what they are (RFC 2046 section 5.1.5). */
bool boundaries_in_digest(const struct boundaries *b);

#endif
