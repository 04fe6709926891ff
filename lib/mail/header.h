/*
 * The header of a message or part (RFC 5322 section 2.2), read from one slice
 * with CRLF or bare LF line ends. Nothing is copied; broken lines are passed
 * on as fields without a name; over budget (budget.h) the rest is not looked at.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

struct header_field {
	struct slice name;   /* "Subject"; empty for a line that is no field ("From x ...", no colon) */
	struct slice value;  /* behind the colon, spaces and folds as they are, without the last line end */
	size_t       start;  /* offsets in the message: the whole field with its last line end */
	size_t       end;
};

struct header_reader {
	struct slice message;
	size_t       at;
	size_t       fields;
	bool         over;    /* a budget was reached: fields behind it were not given */
	bool         ended;
};

void header_begin(struct header_reader *r, struct slice message);
/* The next field, or false at the end of the header. */
bool header_next(struct header_reader *r, struct header_field *f);
/*
 * The next field whose name may begin as one of those that are looked for: who wants a few of many fields
 * need not look at the others. `initials`: header_initial() of each name, or'ed.
 */
bool header_next_among(struct header_reader *r, uint32_t initials, struct header_field *f);
uint32_t header_initial(char first);
/* Where the body begins: behind the empty line, or the message's end. May be asked at any time. */
size_t header_body(const struct header_reader *r);

/* Where the body of `message` begins. */
size_t header_end(struct slice message);
/* The first field of that name (case does not matter). */
bool header_find(struct slice message, const char *name, struct header_field *f);

/* The values of the first field of each name, in one pass; those that are not there stay as they are, which must be without data. */
void header_find_each(struct slice message, const char *const names[], size_t count, struct slice values[]);

/* Appends the value on one line: trimmed, line ends of folds taken out; no CR, LF, NUL in it. */
bool header_unfold(struct str *into, struct slice value);

#endif
