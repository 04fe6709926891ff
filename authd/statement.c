#include <mariadb/errmsg.h>
#include <mariadb/mysqld_error.h>
#include <stdlib.h>
#include <string.h>

#include "authd/link.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"

#define COLUMNS_MOST 16
#define ROWS_MOST    10000

/* One run of a statement. */
struct run {
	struct statement *s;
	struct slice      key;
	bool              joined;
	struct str       *value;
	size_t            values; /* taken so far */
	struct str        cell, shaped;
};

static bool
is_lost(unsigned error)
{
	return error == CR_SERVER_GONE_ERROR || error == CR_SERVER_LOST || error == CR_CONNECTION_ERROR ||
	    error == CR_CONN_HOST_ERROR || error == CR_COMMANDS_OUT_OF_SYNC || error == ER_SERVER_SHUTDOWN;
}

static void
forget_handle(struct statement *s)
{
	if (s->handle != NULL)
		mysql_stmt_close(s->handle);
	s->handle = NULL;
}

static void
log_failure(const struct statement *s, struct slice key, const char *reason)
{
	log_error("query-failed", log_text("file", s->file->path), log_slice("key", key), log_text("reason", reason),
	    log_slice("query", str_slice(&s->file->query.sql)));
}

static bool
prepare(struct statement *s)
{
	if (s->handle != NULL && s->generation == s->link->generation)
		return true;
	forget_handle(s);
	s->handle = mysql_stmt_init(s->link->mysql);
	if (s->handle == NULL)
		return false;
	s->generation = s->link->generation;
	const struct str *sql = &s->file->query.sql;
	s->prepared = mysql_stmt_prepare(s->handle, sql->data, sql->len) == 0;
	return s->prepared;
}

/* --- parameters ------------------------------------------------------------------------ */

/* False: the key lacks a part that the query names, so there is nothing to look up. */
static bool
make_parameters(const struct query_template *t, struct slice key, struct str *values, MYSQL_BIND *binds)
{
	memset(binds, 0, t->count * sizeof *binds);
	for (size_t i = 0; i < t->count; i++)
		values[i] = STR_MOST(EXPANSION_MOST);
	for (size_t i = 0; i < t->count; i++) {
		if (!expansion_apply(&t->parameters[i], key, slice_of(""), &values[i]))
			return false;
		binds[i].buffer_type = MYSQL_TYPE_STRING;
		binds[i].buffer = (void *)(uintptr_t)str_text(&values[i]);
		binds[i].buffer_length = values[i].len;
	}
	return true;
}

static void
free_parameters(const struct query_template *t, struct str *values)
{
	for (size_t i = 0; i < t->count; i++)
		str_free(&values[i]);
}

/* --- rows -------------------------------------------------------------------------------- */

static bool
take_value(struct run *r)
{
	struct slice cell = str_slice(&r->cell);
	/* The value travels as one field of a packet; a NUL would cut it. */
	if (slice_has(cell, '\0'))
		return false;
	str_clear(&r->shaped);
	if (cell.len == 0 || (!r->joined && r->values > 0) || !expansion_apply(&r->s->file->result, r->key, cell, &r->shaped))
		return !r->shaped.failed;
	if (r->values > 0)
		str_append_byte(r->value, ',');
	r->values++;
	return str_append_slice(r->value, str_slice(&r->shaped));
}

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
		ok = str_set(&r->cell, slice_make(bytes, got)) && take_value(r);
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
	for (size_t row = 0;; row++) {
		int result = mysql_stmt_fetch(r->s->handle);
		if (result == MYSQL_NO_DATA)
			return NULL;
		if (result != 0 && result != MYSQL_DATA_TRUNCATED)
			return mysql_stmt_error(r->s->handle);
		if (row == ROWS_MOST)
			return "more than 10000 rows";
		for (unsigned i = 0; i < columns; i++)
			if (!nulls[i] && !take_cell(r, i, lens[i]))
				return "a value holds a NUL byte, or they are longer than 60000 bytes";
	}
}

static const char *
read_result(struct run *r)
{
	unsigned columns = mysql_stmt_field_count(r->s->handle);
	if (columns == 0 || columns > COLUMNS_MOST)
		return "the query must yield 1 to 16 columns";
	const char *problem = take_rows(r, columns);
	uint64_t limit = r->s->file->expansion_limit;
	if (problem == NULL && limit > 0 && r->values > limit)
		problem = "more values than expansion_limit";
	return problem;
}

/* --- a question ---------------------------------------------------------------------------- */

static bool
is_ascii(struct slice key)
{
	for (size_t i = 0; i < key.len; i++)
		if ((unsigned char)key.data[i] >= 0x80)
			return false;
	return true;
}

/*
 * A key that the column's character set cannot hold is in no row. ASCII fits
 * into all of them, so for such a key it is the query that is wrong: its own
 * columns do not go together, and no answer may be made of that.
 */
static bool
cannot_be_there(struct slice key, unsigned error)
{
	if (is_ascii(key))
		return false;
	return error == ER_CANT_AGGREGATE_2COLLATIONS || error == ER_CANT_AGGREGATE_NCOLLATIONS || error == ER_CANT_AGGREGATE_3COLLATIONS ||
	    error == ER_INVALID_CHARACTER_STRING;
}

static const char *
execute(struct run *r, MYSQL_BIND *binds, unsigned *error)
{
	struct statement *s = r->s;
	const char *problem = NULL;
	bool ok = prepare(s) && mysql_stmt_param_count(s->handle) == s->file->query.count &&
	    mysql_stmt_bind_param(s->handle, binds) == 0 && mysql_stmt_execute(s->handle) == 0;
	if (ok) {
		problem = read_result(r);
		*error = problem != NULL ? mysql_stmt_errno(s->handle) : 0;
		mysql_stmt_free_result(s->handle);
		return problem;
	}
	*error = s->handle != NULL ? mysql_stmt_errno(s->handle) : mysql_errno(s->link->mysql);
	problem = s->handle != NULL ? mysql_stmt_error(s->handle) : mysql_error(s->link->mysql);
	return problem[0] != '\0' ? problem : "the number of placeholders does not fit";
}

/* One attempt. `*stale`: the connection had died while idle, so that a second one may do. */
static enum fact_state
attempt(struct run *r, MYSQL_BIND *binds, bool *stale, const char **why)
{
	struct statement *s = r->s;
	int64_t began = clock_ms();
	bool fresh = s->link->mysql == NULL;
	*stale = false;
	if (!link_connect(s->link)) {
		*why = "the database is not reachable";
		return FACT_LATER;
	}
	unsigned error = 0;
	const char *problem = execute(r, binds, &error);
	if (problem == NULL)
		return r->values > 0 ? FACT_FOUND : FACT_NONE;
	*stale = is_lost(error) && !fresh && clock_ms() - began < 1000;
	if (s->handle != NULL && s->prepared && cannot_be_there(r->key, error))
		return FACT_NONE;
	if (!*stale)
		log_failure(s, r->key, problem);
	forget_handle(s);
	if (is_lost(error))
		link_close(s->link, !*stale);
	*why = is_lost(error) ? "the database does not answer" : "the query failed";
	return FACT_LATER;
}

enum fact_state
statement_ask(struct statement *s, struct slice key, bool joined, struct str *value, const char **why)
{
	const struct query_template *t = &s->file->query;
	struct str values[PARAMETERS_MOST];
	MYSQL_BIND binds[PARAMETERS_MOST];
	struct run r = {.s = s, .key = key, .joined = joined, .value = value, .cell = STR_MOST(MAP_VALUE_MOST), .shaped = STR_MOST(MAP_VALUE_MOST)};
	enum fact_state state = FACT_NONE;
	bool stale = false;
	str_clear(value);
	if (make_parameters(t, key, values, binds))
		state = attempt(&r, binds, &stale, why);
	if (stale) {
		r.values = 0;
		str_clear(value);
		state = attempt(&r, binds, &stale, why);
	}
	free_parameters(t, values);
	if (r.cell.data != NULL)
		explicit_bzero(r.cell.data, r.cell.room);
	if (r.shaped.data != NULL)
		explicit_bzero(r.shaped.data, r.shaped.room);
	str_free(&r.cell);
	str_free(&r.shaped);
	return state;
}
