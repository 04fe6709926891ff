/* Within lib/mail: the tables of casemap.h. */
#ifndef MAIL_CASEMAP_TABLES_H
#define MAIL_CASEMAP_TABLES_H

#include <stdbool.h>
#include <stddef.h>

/* The simple title case of a character beyond ASCII, or the character. */
unsigned casemap_title(unsigned character);
/* What it is made of; `*second` 0: one other character. False: of nothing but itself. */
bool casemap_parts(unsigned character, unsigned *first, unsigned *second);

#endif
