/*
 * The text of a message as SMTP and LMTP carry it after DATA (RFC 5321
 * sections 4.1.1.4 and 4.5.2): a state machine that is fed with whatever
 * chunks the network gives, takes the transparency dots out and finds the end.
 *
 * Only CRLF.CRLF ends the text (the CRLF before the first line counts). A CR
 * or LF that is not part of a CRLF never begins a line and never ends the
 * text; it sets `bare`, and such a message must not be accepted: what one
 * server takes for two lines another takes for one, and a message could be
 * smuggled between them.
 *
 * Nothing is copied or kept but the state, however long a line is.
 */
#ifndef MAIL_DOTREADER_H
#define MAIL_DOTREADER_H

#include <stdbool.h>

#include "lib/base/slice.h"

enum dotreader_state {
	DOTREADER_LINE_START,
	DOTREADER_TEXT,
	DOTREADER_TEXT_CR, /* a CR was seen, and given out */
	DOTREADER_DOT,     /* a dot at the start of a line, taken out */
	DOTREADER_DOT_CR,  /* that dot, and a CR that is held back */
	DOTREADER_END,
};

struct dotreader {
	enum dotreader_state state;
	bool                 bare; /* a CR or LF alone was seen */
};

#define DOTREADER_START ((struct dotreader){DOTREADER_LINE_START, false})

/*
 * Takes the next run of message bytes from the front of `*in`, which it moves
 * forward. The run lies in `*in`'s memory, or is a CR that was held back. An
 * empty run means that `*in` is used up, or that the end was found: then `*in`
 * is what follows the end.
 */
struct slice dotreader_run(struct dotreader *d, struct slice *in);

bool dotreader_ended(const struct dotreader *d);

#endif
