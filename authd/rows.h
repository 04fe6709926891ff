/*
 * What a table answered with several columns or several rows, as one text:
 *
 *     rows    = row *( %x1E row )
 *     row     = value                                   one column, its name does not matter
 *             / name %x1F value *( %x1F name %x1F value )
 *
 * A password table may yield several rows for one user: each is a password
 * that is right. Column names are compared without case, as SQL does.
 */
#ifndef AUTHD_ROWS_H
#define AUTHD_ROWS_H

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define ROWS_BETWEEN   '\x1e'
#define COLUMN_BETWEEN '\x1f'

/* Whether a value can stand in a row: no NUL, no separator. */
bool row_value_ok(struct slice value);
/* Begins another row behind what is there. */
void rows_begin(struct str *rows);
/* Appends a named column to the last row; the row's values must be ok. */
void row_add(struct str *rows, struct slice name, struct slice value);
/* The next row. False: no more. */
bool rows_next(struct slice *rest, struct slice *row);
/* The value of a column. A row of one unnamed value is the column `only`. False: there is no such column. */
bool row_column(struct slice row, const char *name, const char *only, struct slice *value);
/* A column as a switch: 1, y, yes, t, true, on. False when it is absent. */
bool row_flag(struct slice row, const char *name);

#endif
