#include "authd/query_file.h"

#include <stdlib.h>
#include <string.h>

#include "authd/query_dovecot.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/mail/address.h"

bool
query_reader_fail(struct query_reader *r, size_t line, const char *what)
{
	if (r->problem->len == 0) {
		if (line > 0)
			str_append_format(r->problem, "line %zu: ", line);
		str_append_text(r->problem, what);
	}
	return false;
}

bool
query_reader_take_query(struct query_reader *r, size_t line, struct slice query)
{
	const char *problem = query_template_parse(&r->q->query, r->q->dialect, query);
	return problem == NULL || query_reader_fail(r, line, problem);
}

/* Names that Postfix knows and that mean nothing here. */
static const char *const ignored[] = {"idle_interval", "retry_interval", "require_result_set", "dbtype"};

static bool
take_texts(struct query_reader *r)
{
	for (size_t i = 0; i < r->text.count; i++) {
		const struct query_entry *e = &r->text.entries[i];
		bool known;
		if (!query_access_set(&r->q->access, QUERY_POSTFIX, str_slice(&e->name), str_slice(&e->value), &known) && known)
			return query_reader_fail(r, 0, "no memory");
	}
	return true;
}

static bool
take_hosts(struct query_reader *r)
{
	const struct query_entry *e = query_text_find(&r->text, "hosts");
	struct slice list = e != NULL && e->value.len > 0 ? str_slice(&e->value) : slice_of("localhost");
	while (list.len > 0) {
		size_t len = 0;
		while (len < list.len && strchr(", \t\r\n", list.data[len]) == NULL)
			len++;
		if (len > 0 && !query_access_add_host(&r->q->access, slice_first(list, len)))
			return query_reader_fail(r, e != NULL ? e->line : 0, "hosts: more than 16, or one is not unix:/path, host, host:port, inet:host:port");
		list = slice_from(list, len + 1);
	}
	return true;
}

/* --- the query ----------------------------------------------------------------------- */

/* The form before Postfix 2.2. */
static bool
old_query(struct query_reader *r, struct str *query, size_t *line)
{
	const struct query_entry *table = query_text_find(&r->text, "table");
	const struct query_entry *select = query_text_find(&r->text, "select_field");
	const struct query_entry *where = query_text_find(&r->text, "where_field");
	const struct query_entry *more = query_text_find(&r->text, "additional_conditions");
	if (table == NULL || select == NULL || where == NULL)
		return query_reader_fail(r, 0, "there is neither a query nor all of table, select_field, where_field");
	*line = select->line;
	str_append_format(query, "SELECT %s FROM %s WHERE %s = '%%s' %s", str_text(&select->value), str_text(&table->value),
	    str_text(&where->value), more != NULL ? str_text(&more->value) : "");
	return !query->failed || query_reader_fail(r, *line, "the query is too long");
}

static bool
take_query(struct query_reader *r)
{
	const struct query_entry *e = query_text_find(&r->text, "query");
	struct str query = STR_MOST(EXPANSION_MOST);
	size_t line = e != NULL ? e->line : 0;
	bool ok = e != NULL ? str_set(&query, str_slice(&e->value)) : old_query(r, &query, &line);
	ok = ok && query_reader_take_query(r, line, str_slice(&query));
	str_free(&query);
	return ok || query_reader_fail(r, line, "no memory");
}

static bool
take_result(struct query_reader *r)
{
	const struct query_entry *e = query_text_find(&r->text, "result_format");
	const char *problem = expansion_parse_result(&r->q->result, e != NULL ? str_slice(&e->value) : slice_of("%s"));
	return problem == NULL || query_reader_fail(r, e != NULL ? e->line : 0, problem);
}

static bool
take_rest(struct query_reader *r)
{
	const struct query_entry *limit = query_text_find(&r->text, "expansion_limit");
	if (limit != NULL && !number_parse(str_slice(&limit->value), UINT32_MAX, &r->q->expansion_limit))
		return query_reader_fail(r, limit->line, "expansion_limit must be a number");
	const struct query_entry *verify = query_text_find(&r->text, "tls_verify_cert");
	r->q->access.tls_verify = verify != NULL && slice_is_nocase(str_slice(&verify->value), "yes");
	const struct query_entry *domain = query_text_find(&r->text, "domain");
	if (domain != NULL && (slice_has(str_slice(&domain->value), ':') || slice_has(str_slice(&domain->value), '/')))
		return query_reader_fail(r, domain->line, "domain: name the domains here; a table of them is not read");
	free(r->q->domains);
	r->q->domains = strdup(domain != NULL ? str_text(&domain->value) : "");
	return r->q->domains != NULL || query_reader_fail(r, 0, "no memory");
}

static bool
is_known(struct slice name)
{
	static const char *const others[] = {"user", "password", "dbname", "charset", "option_file", "option_group", "tls_key_file",
	    "tls_cert_file", "tls_CAfile", "tls_CApath", "tls_ciphers", "hosts", "query", "table", "select_field", "where_field",
	    "additional_conditions", "result_format", "expansion_limit", "tls_verify_cert", "domain"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (slice_is(name, others[i]))
			return true;
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		if (slice_is(name, ignored[i]))
			return true;
	return false;
}

static void
warn_unknown(const struct query_reader *r)
{
	for (size_t i = 0; i < r->text.count; i++) {
		const struct query_entry *e = &r->text.entries[i];
		if (!is_known(str_slice(&e->name)))
			log_warning("query-file-name-unknown", log_text("file", r->q->path), log_number("line", (int64_t)e->line),
			    log_slice("name", str_slice(&e->name)), log_text("hint", "it is left out; mysql_table(5) has the names"));
	}
}

static bool
parse_postfix(struct query_reader *r, struct slice text)
{
	size_t line;
	const char *wrong = query_text_parse(&r->text, text, &line);
	if (wrong != NULL)
		return query_reader_fail(r, line, wrong);
	if (!take_texts(r) || !take_hosts(r) || !take_query(r) || !take_result(r) || !take_rest(r))
		return false;
	warn_unknown(r);
	return true;
}

static bool
begin(struct query_file *q, const char *path)
{
	*q = (struct query_file){.query = {.sql = STR_MOST(EXPANSION_MOST)}, .result = EXPANSION_NONE};
	q->path = strdup(path);
	q->domains = strdup("");
	q->password_scheme = strdup("");
	return query_access_begin(&q->access) && q->path != NULL && q->domains != NULL && q->password_scheme != NULL;
}

bool
query_file_parse(struct query_file *q, enum map map, const char *path, struct slice text, struct str *problem)
{
	struct query_reader *r = calloc(1, sizeof *r);
	str_clear(problem);
	if (!begin(q, path) || r == NULL) {
		free(r);
		return str_append_text(problem, "no memory") && false;
	}
	r->q = q;
	r->map = map;
	r->problem = problem;
	bool ok = query_dovecot_is(text) ? query_dovecot_parse(r, text) : parse_postfix(r, text);
	/* It would answer for every address of the domain, and so before the mailboxes. */
	q->for_domains = map == MAP_ALIAS && query_template_is_of_domain(&q->query);
	query_text_free(&r->text);
	free(r);
	return ok;
}

void
query_file_free(struct query_file *q)
{
	query_access_free(&q->access);
	query_template_free(&q->query);
	expansion_free(&q->result);
	free(q->password_scheme);
	free(q->domains);
	free(q->path);
	*q = (struct query_file){.path = NULL};
}

/* Then only user@domain of a listed domain is asked for, as in mysql_table(5). */
bool
query_file_wants(const struct query_file *q, struct slice key)
{
	struct slice list = slice_of(q->domains), local, domain;
	if (q->for_domains && !slice_starts(key, "@"))
		return false;
	if (list.len == 0)
		return true;
	address_split(key, &local, &domain);
	if (local.len == 0 || domain.len == 0)
		return false;
	while (list.len > 0) {
		size_t len = 0;
		while (len < list.len && strchr(", \t\r\n", list.data[len]) == NULL)
			len++;
		if (slice_equal_nocase(slice_first(list, len), domain))
			return true;
		list = slice_from(list, len + 1);
	}
	return false;
}
