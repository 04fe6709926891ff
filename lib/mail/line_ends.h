/*
 * Line ends of a message that is not read by dots (BDAT), or whose bare CR and
 * LF are to be made right: a state machine that is fed with whatever chunks the
 * network gives, as lib/mail/dotreader.h. Nothing is copied or kept but the state.
 */
#ifndef MAIL_LINE_ENDS_H
#define MAIL_LINE_ENDS_H

#include <stdbool.h>

#include "lib/base/slice.h"

struct line_ends {
	bool normalize; /* each bare CR or LF is given out as CRLF */
	bool bare;      /* a CR or LF alone was seen */
	bool cr;        /* the last byte was a CR, and was given out */
	bool open;      /* the last line has no end yet */
};

/*
 * Takes the next run of bytes from the front of `*in`, which it moves forward.
 * The run lies in `*in`'s memory or is a constant. Empty: `*in` is used up.
 */
struct slice line_ends_run(struct line_ends *l, struct slice *in);

/* The text is whole: what its last line lacks of a CRLF, which may be nothing. A CR at the end was bare. */
struct slice line_ends_finish(struct line_ends *l);

#endif
