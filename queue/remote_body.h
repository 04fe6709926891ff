/*
 * The message as DATA wants it (RFC 5321 section 4.5.2): lines end in CRLF and
 * in nothing else, a dot at a line's start is doubled, CRLF.CRLF at the end.
 * Whatever the file holds, no bare CR and no bare LF goes out.
 */
#ifndef QUEUE_REMOTE_BODY_H
#define QUEUE_REMOTE_BODY_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/stream.h"

struct body {
	bool in_line; /* the last byte was not a line end */
	bool cr;      /* a CR is held back: what follows says whether it was bare */
};

void body_write(struct body *b, struct output *out, struct slice bytes);
/* Ends the last line if it is open, and the message. */
void body_end(struct body *b, struct output *out);

#endif
