#include "authd/statement.h"

#include <mariadb/errmsg.h>
#include <mariadb/mysqld_error.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"

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
prepare_text(struct statement *s, struct slice sql)
{
	forget_handle(s);
	s->handle = mysql_stmt_init(s->link->mysql);
	if (s->handle == NULL)
		return false;
	s->generation = s->link->generation;
	s->prepared = mysql_stmt_prepare(s->handle, sql.data, sql.len) == 0;
	return s->prepared;
}

static bool
prepare_exact(struct statement *s, const MYSQL_BIND *binds)
{
	const struct query_template *t = &s->file->query;
	bool exactly[PARAMETERS_MOST];
	struct str sql = STR_MOST(2 * EXPANSION_MOST);
	for (size_t i = 0; i < t->count; i++)
		exactly[i] = !address_is_ascii(slice_make(binds[i].buffer, binds[i].buffer_length));
	bool ok = query_template_exact(t, exactly, &sql) && prepare_text(s, str_slice(&sql));
	str_free(&sql);
	return ok;
}

static bool
prepare(struct statement *s)
{
	bool ready = s->handle != NULL && s->generation == s->link->generation;
	return ready || prepare_text(s, str_slice(&s->file->query.sql));
}

/* --- parameters ------------------------------------------------------------------------ */

/* FACT_NONE: the key lacks a part that the query names, so there is nothing to look up. FACT_LATER: no memory, or too long. */
static enum fact_state
make_parameters(const struct query_template *t, const struct query_key *key, struct str *values, MYSQL_BIND *binds)
{
	memset(binds, 0, t->count * sizeof *binds);
	for (size_t i = 0; i < t->count; i++)
		values[i] = STR_MOST(EXPANSION_MOST);
	for (size_t i = 0; i < t->count; i++) {
		if (!expansion_apply(&t->parameters[i], key, slice_of(""), &values[i]))
			return values[i].failed ? FACT_LATER : FACT_NONE;
		binds[i].buffer_type = MYSQL_TYPE_STRING;
		binds[i].buffer = (void *)(uintptr_t)str_text(&values[i]);
		binds[i].buffer_length = values[i].len;
	}
	return FACT_FOUND;
}

static void
free_parameters(const struct query_template *t, struct str *values)
{
	for (size_t i = 0; i < t->count; i++)
		str_free(&values[i]);
}

/* --- a question ---------------------------------------------------------------------------- */

/*
 * A key that the column's character set cannot hold is in no row. ASCII fits
 * into all of them, so for such a key it is the query that is wrong: its own
 * columns do not go together, and no answer may be made of that.
 */
static bool
cannot_be_there(struct slice key, unsigned error)
{
	if (address_is_ascii(key))
		return false;
	return error == ER_CANT_AGGREGATE_2COLLATIONS || error == ER_CANT_AGGREGATE_NCOLLATIONS || error == ER_CANT_AGGREGATE_3COLLATIONS ||
	    error == ER_INVALID_CHARACTER_STRING;
}

static const char *
execute(struct run *r, MYSQL_BIND *binds, unsigned *error)
{
	struct statement *s = r->s;
	const char *problem = NULL;
	bool ready = r->exact ? prepare_exact(s, binds) : prepare(s);
	bool ok = ready && mysql_stmt_param_count(s->handle) == s->file->query.count &&
	    mysql_stmt_bind_param(s->handle, binds) == 0 && mysql_stmt_execute(s->handle) == 0;
	if (ok) {
		problem = run_read_rows(r);
		*error = problem != NULL ? mysql_stmt_errno(s->handle) : 0;
		mysql_stmt_free_result(s->handle);
		return problem;
	}
	*error = s->handle != NULL ? mysql_stmt_errno(s->handle) : mysql_errno(s->link->mysql);
	problem = s->handle != NULL ? mysql_stmt_error(s->handle) : mysql_error(s->link->mysql);
	return problem[0] != '\0' ? problem : "the number of placeholders does not fit";
}

static void
set_later(struct answer *a, bool away, const char *why, const char *problem)
{
	a->state = FACT_LATER;
	a->away = away;
	a->why = why;
	explain(a->explanation, "%s: %s", why, problem);
}

/* One attempt. True: the connection had died while idle, so that a second one may do. */
static bool
attempt(struct run *r, MYSQL_BIND *binds)
{
	struct statement *s = r->s;
	int64_t began = clock_ms(), asked = explain_begin(r->a->explanation);
	bool fresh = s->link->mysql == NULL;
	if (!link_connect(s->link)) {
		set_later(r->a, true, "the database is not reachable", "the log says why");
		return false;
	}
	unsigned error = 0;
	const char *problem = execute(r, binds, &error);
	if (problem == NULL) {
		r->a->state = r->values > 0 ? FACT_FOUND : FACT_NONE;
		explain_rows(r->a->explanation, s->file, r->rows, asked);
		return false;
	}
	bool lost = link_is_lost(error), stale = lost && !fresh && clock_ms() - began < 1000;
	if (s->handle != NULL && s->prepared && cannot_be_there(r->key->text, error)) {
		r->a->state = FACT_NONE;
		explain(r->a->explanation, "no row: the column's character set cannot hold that key (%s)", problem);
		return false;
	}
	if (!stale)
		log_failure(s, r->key->text, problem);
	set_later(r->a, lost, lost ? "the database does not answer" : "the query failed", problem);
	forget_handle(s);
	if (lost)
		link_close(s->link, !stale);
	return stale;
}

/* Twice when the connection had died. */
static void
run(struct run *r, MYSQL_BIND *binds)
{
	if (attempt(r, binds)) {
		run_reset(r);
		attempt(r, binds);
	}
}

/*
 * To most collations á is a: the row that was found may be another's, who would log in, send and fail by as many names as
 * he likes, each counted on its own. Only what was found is asked for again, for by bytes no index serves.
 */
static void
ask_exactly(struct run *r, MYSQL_BIND *binds)
{
	explain(r->a->explanation, "asked again byte by byte: the key is not ASCII, and a collation may have taken it for another");
	run_reset(r);
	r->exact = true;
	run(r, binds);
	forget_handle(r->s);
}

void
statement_ask(struct statement *s, const struct query_key *key, struct answer *a)
{
	const struct query_template *t = &s->file->query;
	struct str values[PARAMETERS_MOST];
	MYSQL_BIND binds[PARAMETERS_MOST];
	struct run r = {.s = s, .key = key, .a = a, .cell = STR_MOST(MAP_VALUE_MOST), .shaped = STR_MOST(MAP_VALUE_MOST)};
	a->state = FACT_NONE;
	str_clear(&a->value);
	explain(a->explanation, "file %s", s->file->path);
	switch (make_parameters(t, key, values, binds)) {
	case FACT_FOUND:
		explain_query(a->explanation, s->file, values);
		run(&r, binds);
		if (a->state == FACT_FOUND && s->exact && !address_is_ascii(key->text))
			ask_exactly(&r, binds);
		break;
	case FACT_NONE:
		explain(a->explanation, "not asked: the key lacks a part that the query names");
		break;
	case FACT_LATER:
		set_later(a, false, "the query's values cannot be made", "no memory, or longer than 65536 bytes");
	}
	free_parameters(t, values);
	run_free(&r);
}
