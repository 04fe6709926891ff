/* Within lib/mail: tables of Unicode's simple case mappings (casemap_title.c, idna_lower.c). */
#ifndef MAIL_CASE_ROWS_H
#define MAIL_CASE_ROWS_H

#include <stddef.h>

/* From `first` to `last`, each `step`th: what it becomes is so far away. */
struct case_row {
	unsigned first, last;
	int      step, away;
};

/* By `count` rows in order; a character that is in none of them stays. */
unsigned case_map(const struct case_row *rows, size_t count, unsigned character);

#endif
