/* What a filter says to the client, made harmless for a line of SMTP. */
#ifndef FILTER_VERDICT_H
#define FILTER_VERDICT_H

#include <stdbool.h>

#include "lib/base/slice.h"

#define VERDICT_TEXT_MOST 1024

/* An answer that refuses: 4xx or 5xx, an enhanced code of the same class (RFC 2034), a text. */
struct filter_answer {
	unsigned code;
	char     status[12];
	char     text[VERDICT_TEXT_MOST]; /* printable ASCII, its lines with LF between them; cut if longer */
};

/* `text` may begin with an enhanced code; one of another class, or none, becomes `status`. Bytes that may not be become '?'. */
void filter_answer_set(struct filter_answer *a, unsigned code, const char *status, struct slice text);
/* "550 5.7.1 text", several lines "550-5.7.1 text" with CRLF or LF between them (RFC 5321 section 4.2.1). False: it is none. */
bool filter_answer_parse(struct filter_answer *a, struct slice reply);

#endif
