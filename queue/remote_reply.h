/* Replies of other SMTP servers (RFC 5321 section 4.2, RFC 2034), hostile text. */
#ifndef QUEUE_REMOTE_REPLY_H
#define QUEUE_REMOTE_REPLY_H

#include <stdbool.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"
#include "lib/base/stream.h"

#define REPLY_TEXT_MOST 400

struct reply {
	int  code;                       /* 250; 0: there is none */
	char text[REPLY_TEXT_MOST + 1];  /* all lines joined by a space, printable ASCII, cut */
};

enum reply_result { REPLY_OK, REPLY_END, REPLY_TIMEOUT, REPLY_BAD };

/* Reads one reply. `line` is called for each line's text (behind the code), or NULL. */
enum reply_result reply_read(struct input *in, struct reply *r, void (*line)(void *context, struct slice text), void *context);

/* The enhanced status code at the start of its text; empty: there is none. */
struct slice reply_enhanced(const struct reply *r);

/*
 * The reply as an outcome. Its enhanced status code is kept when its class fits
 * the reply's; else `fallback` ("1.0", say) with the class before it.
 */
struct outcome reply_outcome(const struct reply *r, const char *host, const char *step, const char *fallback);

#endif
