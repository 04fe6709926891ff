/*
 * What a database worker tells a person of one question, in lines: which file,
 * which statement with which values, how many rows, what is likely wrong. All
 * functions do nothing when the explanation is NULL, which is the usual case.
 * No password and no hash is ever in it.
 */
#ifndef AUTHD_QUERY_EXPLAIN_H
#define AUTHD_QUERY_EXPLAIN_H

#include <stdint.h>

#include "authd/query_file.h"

#define EXPLANATION_MOST 32768

struct explanation {
	struct str lines; /* each with a line end; control characters in values are shown as "?" */
};

/* Appends a line; what does not fit is cut. */
__attribute__((format(printf, 2, 3))) void explain(struct explanation *x, const char *format, ...);
/* The statement and the values of its parameters. */
void explain_query(struct explanation *x, const struct query_file *q, const struct str *values);
/* Microseconds of a clock that never jumps, or 0 when nobody asks. */
int64_t explain_begin(const struct explanation *x);
/* "2 rows in 0.8 ms"; without a row, the conditions that the account may not fulfil. */
void explain_rows(struct explanation *x, const struct query_file *q, size_t rows, int64_t began);
/* Of a password scheme and length, and whether it looks cut. `holds`: the most characters of the column (0: not known). */
void explain_password(struct explanation *x, struct slice password, uint64_t holds);

#endif
