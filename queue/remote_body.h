/*
 * The message as it goes out (RFC 5321 section 4.5.2): lines end in CRLF and in
 * nothing else, a dot at a line's start is doubled for DATA. Whatever the file
 * holds, no bare CR and no bare LF goes out, but within BDAT what is binary.
 */
#ifndef QUEUE_REMOTE_BODY_H
#define QUEUE_REMOTE_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/stream.h"

struct body {
	struct output *out; /* NULL: it is only counted */
	enum { BODY_DOTS, BODY_LINES, BODY_BYTES } kind; /* for DATA; for BDAT; as it is */
	uint64_t count;   /* bytes written */
	bool     in_line; /* the last byte was not a line end */
	bool     cr;      /* a CR is held back: what follows says whether it was bare */
};

void body_write(struct body *b, struct slice bytes);
/* Ends the last line if it is open, and for DATA the message. */
void body_end(struct body *b);

#endif
