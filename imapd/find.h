/*
 * Finding a text in a larger one without regard to ASCII case: Horspool's way,
 * which skips most of it, and where text and needle are made so that it would
 * compare the same bytes again and again, that of Knuth, Morris and Pratt.
 */
#ifndef IMAPD_FIND_H
#define IMAPD_FIND_H

#include <stdbool.h>

#include "lib/base/slice.h"

struct needle {
	struct slice  text;
	unsigned char skip[256]; /* how far to move on for the byte at the end of the window */
};

/* `text` must live as long. */
void needle_make(struct needle *n, struct slice text);
/* An empty needle is in everything. */
bool needle_in(const struct needle *n, struct slice hay);

#endif
