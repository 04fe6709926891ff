#include "authd/rows.h"

bool
row_value_ok(struct slice value)
{
	return !slice_has(value, '\0') && !slice_has(value, ROWS_BETWEEN) && !slice_has(value, COLUMN_BETWEEN);
}

void
rows_begin(struct str *rows)
{
	if (rows->len > 0)
		str_append_byte(rows, ROWS_BETWEEN);
}

void
row_add(struct str *rows, struct slice name, struct slice value)
{
	if (rows->len > 0 && rows->data[rows->len - 1] != ROWS_BETWEEN)
		str_append_byte(rows, COLUMN_BETWEEN);
	str_append_slice(rows, name);
	str_append_byte(rows, COLUMN_BETWEEN);
	str_append_slice(rows, value);
}

bool
rows_next(struct slice *rest, struct slice *row)
{
	return slice_split(rest, ROWS_BETWEEN, row);
}

bool
row_column(struct slice row, const char *name, const char *only, struct slice *value)
{
	struct slice column;
	if (!slice_has(row, COLUMN_BETWEEN)) {
		*value = row;
		return slice_is_nocase(slice_of(name), only);
	}
	while (slice_split(&row, COLUMN_BETWEEN, &column)) {
		/* A row that ends in a name has that column empty. */
		if (!slice_split(&row, COLUMN_BETWEEN, value))
			*value = slice_of("");
		if (slice_is_nocase(column, name))
			return true;
	}
	return false;
}

bool
row_flag(struct slice row, const char *name)
{
	static const char *const yes[] = {"1", "y", "yes", "t", "true", "on"};
	struct slice value;
	if (!row_column(row, name, "", &value))
		return false;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		if (slice_is_nocase(slice_trim(value), yes[i]))
			return true;
	return false;
}
