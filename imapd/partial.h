/* A part of a result by its place in it, "1:100" or from the end "-1:-100" (RFC 9394). */
#ifndef IMAPD_PARTIAL_H
#define IMAPD_PARTIAL_H

#include "imapd/parse.h"

struct partial {
	bool     backward;    /* it counts from the end */
	uint32_t first, last; /* first <= last, from 1 */
};

/* Both ends count from the same side; in either order. */
bool parse_partial_range(struct parser *p, struct partial *partial);
/* Of a result of `count`: what lies from `*from` up to before `*to`. */
void partial_of_count(const struct partial *partial, size_t count, size_t *from, size_t *to);

#endif
