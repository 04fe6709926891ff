/* From a statement's result to the value of an answer. */
#include <stdlib.h>
#include <string.h>

#include "authd/query_quota.h"
#include "authd/statement.h"

#define COLUMNS_MOST        32
#define ROWS_MOST           10000
#define NAMED_ROWS_MOST     16 /* passwords of one user, say */
#define TOO_LARGE           "a value holds a NUL byte or a separator (0x1E, 0x1F), or they are longer than 60000 bytes"

static bool
has_rows(const struct run *r)
{
	return r->s->form == VALUE_ROWS || r->s->form == VALUE_QUOTA;
}

static struct slice
name_of_column(const struct run *r, unsigned column)
{
	const MYSQL_FIELD *f = mysql_fetch_field_direct(r->columns, column);
	return slice_make(f->name, f->name_length);
}

/* The most characters that the column holds; a field's length is in bytes of the connection's character set. */
static uint64_t
column_holds(const struct run *r, unsigned column)
{
	MY_CHARSET_INFO set = {.mbmaxlen = 1};
	const MYSQL_FIELD *f = mysql_fetch_field_direct(r->columns, column);
	mysql_get_character_set_info(r->s->link->mysql, &set);
	return set.mbmaxlen > 0 && f->charsetnr == set.number ? f->length / set.mbmaxlen : f->length;
}

/* --- values that commas join, or the first ------------------------------------------------ */

static bool
take_value(struct run *r)
{
	struct slice cell = str_slice(&r->cell);
	/* The value travels as one field of a packet; a NUL would cut it. */
	if (slice_has(cell, '\0'))
		return false;
	str_clear(&r->shaped);
	if (cell.len == 0 || (r->s->form == VALUE_FIRST && r->values > 0) ||
	    !expansion_apply(&r->s->file->result, r->key, cell, &r->shaped))
		return !r->shaped.failed;
	if (r->values > 0)
		str_append_byte(&r->a->value, ',');
	r->values++;
	return str_append_slice(&r->a->value, str_slice(&r->shaped));
}

/* --- rows ------------------------------------------------------------------------------------ */

static bool
is_bare(const struct run *r)
{
	return r->s->file->dialect == QUERY_POSTFIX && mysql_num_fields(r->columns) == 1;
}

/* Dovecot's default_pass_scheme goes before a password that names none. */
static bool
put_scheme(struct run *r)
{
	const char *scheme = r->s->file->password_scheme;
	struct slice cell = str_slice(&r->cell);
	if (scheme[0] == '\0' || cell.len == 0 || (slice_starts(cell, "{") && slice_has(cell, '}')))
		return true;
	str_clear(&r->shaped);
	return str_append_format(&r->shaped, "{%s}", scheme) && str_append_slice(&r->shaped, cell) && str_set(&r->cell, str_slice(&r->shaped));
}

static bool
take_bare(struct run *r)
{
	str_clear(&r->shaped);
	if (!expansion_apply(&r->s->file->result, r->key, str_slice(&r->cell), &r->shaped))
		return !r->shaped.failed;
	if (!row_value_ok(str_slice(&r->shaped)))
		return false;
	rows_begin(&r->a->value);
	r->values++;
	return str_append_slice(&r->a->value, str_slice(&r->shaped));
}

static bool
take_column(struct run *r, unsigned column)
{
	struct slice name = name_of_column(r, column);
	bool password = slice_is_nocase(name, "password") || is_bare(r);
	if (password && r->s->form == VALUE_ROWS)
		explain_password(r->a->explanation, str_slice(&r->cell), column_holds(r, column));
	if (is_bare(r))
		return take_bare(r);
	if ((password && !put_scheme(r)) || !row_value_ok(name) || !row_value_ok(str_slice(&r->cell)))
		return false;
	if (!r->row_begun)
		rows_begin(&r->a->value);
	r->row_begun = true;
	row_add(&r->a->value, name, str_slice(&r->cell));
	return !r->a->value.failed;
}

/* A row of nothing but NULL is one all the same. */
static bool
end_row(struct run *r)
{
	if (!has_rows(r) || is_bare(r))
		return true;
	if (!r->row_begun) {
		rows_begin(&r->a->value);
		row_add(&r->a->value, name_of_column(r, 0), slice_of(""));
	}
	r->row_begun = false;
	r->values++;
	return !r->a->value.failed;
}

static void
explain_columns(const struct run *r)
{
	struct explanation *x = r->a->explanation;
	if (x == NULL || r->columns == NULL)
		return;
	struct str names = STR_MOST(2048);
	for (unsigned i = 0; i < mysql_num_fields(r->columns); i++)
		str_append_format(&names, "%s%.*s", i > 0 ? ", " : "", (int)name_of_column(r, i).len, name_of_column(r, i).data);
	explain(x, "columns: %s", str_text(&names));
	str_free(&names);
}

/* The rows become the quota of the first. */
static bool
make_quota(struct run *r)
{
	struct slice rest = str_slice(&r->a->value), row;
	str_clear(&r->shaped);
	bool any = rows_next(&rest, &row) && query_quota_of_row(row, &r->shaped);
	r->values = any ? 1 : 0;
	return str_set(&r->a->value, str_slice(&r->shaped));
}

/* --- the result --------------------------------------------------------------------------------- */

static bool
take_cell(struct run *r, unsigned column, unsigned long len)
{
	if (len > MAP_VALUE_MOST)
		return false;
	char *bytes = malloc(len + 1);
	if (bytes == NULL)
		return false;
	unsigned long got = 0;
	my_bool null = 0;
	MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_STRING, .buffer = bytes, .buffer_length = len + 1, .length = &got, .is_null = &null};
	bool ok = mysql_stmt_fetch_column(r->s->handle, &bind, column, 0) == 0 && got <= len;
	if (ok && !null)
		ok = str_set(&r->cell, slice_make(bytes, got)) && (has_rows(r) ? take_column(r, column) : take_value(r));
	explicit_bzero(bytes, len + 1);
	free(bytes);
	return ok;
}

/* NULL, or why not. */
static const char *
take_rows(struct run *r, unsigned columns)
{
	unsigned long lens[COLUMNS_MOST] = {0};
	my_bool nulls[COLUMNS_MOST] = {0};
	MYSQL_BIND binds[COLUMNS_MOST];
	memset(binds, 0, sizeof binds);
	for (unsigned i = 0; i < columns; i++)
		binds[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .length = &lens[i], .is_null = &nulls[i]};
	if (mysql_stmt_bind_result(r->s->handle, binds) != 0)
		return mysql_stmt_error(r->s->handle);
	for (;; r->rows++) {
		int result = mysql_stmt_fetch(r->s->handle);
		if (result == MYSQL_NO_DATA)
			return NULL;
		if (result != 0 && result != MYSQL_DATA_TRUNCATED)
			return mysql_stmt_error(r->s->handle);
		if (r->rows == (has_rows(r) ? NAMED_ROWS_MOST : ROWS_MOST))
			return has_rows(r) ? "more than 16 rows" : "more than 10000 rows";
		for (unsigned i = 0; i < columns; i++)
			if (!nulls[i] && !take_cell(r, i, lens[i]))
				return TOO_LARGE;
		if (!end_row(r))
			return TOO_LARGE;
	}
}

const char *
run_read_rows(struct run *r)
{
	unsigned columns = mysql_stmt_field_count(r->s->handle);
	if (columns == 0 || columns > COLUMNS_MOST)
		return "the query must yield 1 to 32 columns";
	r->columns = has_rows(r) ? mysql_stmt_result_metadata(r->s->handle) : NULL;
	if (has_rows(r) && r->columns == NULL)
		return mysql_stmt_error(r->s->handle);
	const char *problem = take_rows(r, columns);
	if (problem == NULL && r->rows > 0)
		explain_columns(r);
	if (problem == NULL && r->s->form == VALUE_QUOTA && !make_quota(r))
		problem = TOO_LARGE;
	if (r->columns != NULL)
		mysql_free_result(r->columns);
	r->columns = NULL;
	uint64_t limit = r->s->file->expansion_limit;
	if (problem == NULL && limit > 0 && r->values > limit)
		problem = "more values than expansion_limit";
	return problem;
}

static void
wipe(struct str *s)
{
	if (s->data != NULL)
		explicit_bzero(s->data, s->room);
	str_clear(s);
}

void
run_reset(struct run *r)
{
	r->rows = r->values = 0;
	r->row_begun = false;
	str_clear(&r->a->value);
}

void
run_free(struct run *r)
{
	wipe(&r->cell);
	wipe(&r->shaped);
	str_free(&r->cell);
	str_free(&r->shaped);
}
