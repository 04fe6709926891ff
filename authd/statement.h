/* Within statement*.c: one run of a statement. */
#ifndef AUTHD_STATEMENT_H
#define AUTHD_STATEMENT_H

#include "authd/link.h"

struct run {
	struct statement       *s;
	const struct query_key *key;
	struct answer          *a;
	size_t                  rows, values; /* taken so far */
	MYSQL_RES              *columns;      /* their names, where the form has them; else NULL */
	bool                    exact;        /* by its own text (query_template_exact()) */
	bool                    row_begun;    /* VALUE_ROWS: the last row of the value is this one's */
	struct str              cell, shaped;
};

/* Takes the rows into the answer's value. NULL, or what is wrong (the statement's error may have more). */
const char *run_read_rows(struct run *r);
/* Forgets what was taken, for another attempt; and for good: passwords are wiped. */
void run_reset(struct run *r);
void run_free(struct run *r);

#endif
