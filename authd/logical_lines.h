/*
 * Postfix's tables and sendmail's aliases are written in logical lines: one that
 * begins with white space goes on with the one before, empty lines and those
 * that begin with # count for nothing.
 */
#ifndef AUTHD_LOGICAL_LINES_H
#define AUTHD_LOGICAL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

struct logical_lines {
	struct slice rest;   /* of the text */
	size_t       read;   /* physical lines */
	struct str   line;   /* the logical one, without line ends */
	size_t       number; /* of the line where it began */
	const char  *wrong;  /* what is wrong at that line; NULL: nothing */
};

/* Over a text that may not change; no logical line is longer than it. */
void logical_lines_begin(struct logical_lines *l, struct slice text);
/* The next one is in `line`, which is not empty. False: there is none, or the text is wrong there. */
bool logical_lines_next(struct logical_lines *l);
/* The line is wiped: it may have held a password. */
void logical_lines_end(struct logical_lines *l);

#endif
