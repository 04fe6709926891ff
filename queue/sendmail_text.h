/* What a program pipes into sendmail becomes a message: line ends, the line with a dot alone. */
#ifndef QUEUE_SENDMAIL_TEXT_H
#define QUEUE_SENDMAIL_TEXT_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

struct text {
	bool dot_ends; /* a line "." ends the message (not with -i) */
	bool in_line;  /* the last byte given out was no line end */
	bool cr;       /* a CR is held back */
	bool dot;      /* a dot at a line's start is held back */
	bool ended;
};

/* Appends the bytes with CRLF at every line end (LF, CRLF or CR alone). False: no room. After `ended` the rest is ignored. */
bool text_add(struct text *t, struct str *into, struct slice bytes);
/* The input ended: closes an open line. */
bool text_end(struct text *t, struct str *into);

#endif
