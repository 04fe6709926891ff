#include "authd/query_file.h"

#include <stdlib.h>
#include <string.h>

#include "authd/query_text.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/mail/address.h"

struct reader {
	struct query_file *q;
	struct query_text  text;
	struct str        *problem;
};

static bool
fail(struct reader *r, size_t line, const char *what)
{
	if (r->problem->len == 0) {
		if (line > 0)
			str_append_format(r->problem, "line %zu: ", line);
		str_append_text(r->problem, what);
	}
	return false;
}

/* Names that Postfix knows and that mean nothing here. */
static const char *const ignored[] = {"idle_interval", "retry_interval", "require_result_set", "dbtype"};

static const struct {
	const char *name;
	size_t      place; /* a char * in struct query_access */
} texts[] = {
    {"user", offsetof(struct query_access, user)},
    {"password", offsetof(struct query_access, password)},
    {"dbname", offsetof(struct query_access, database)},
    {"charset", offsetof(struct query_access, charset)},
    {"option_file", offsetof(struct query_access, option_file)},
    {"option_group", offsetof(struct query_access, option_group)},
    {"tls_key_file", offsetof(struct query_access, tls_key_file)},
    {"tls_cert_file", offsetof(struct query_access, tls_cert_file)},
    {"tls_CAfile", offsetof(struct query_access, tls_ca_file)},
    {"tls_CApath", offsetof(struct query_access, tls_ca_path)},
    {"tls_ciphers", offsetof(struct query_access, tls_ciphers)},
};
#define TEXTS (sizeof texts / sizeof *texts)

static char **
text_of(const struct query_access *a, size_t i)
{
	return (char **)((uintptr_t)a + texts[i].place);
}

static bool
take_texts(struct reader *r)
{
	for (size_t i = 0; i < TEXTS; i++) {
		const struct query_entry *e = query_text_find(&r->text, texts[i].name);
		char *copy = strdup(e != NULL ? str_text(&e->value) : "");
		*text_of(&r->q->access, i) = copy;
		if (copy == NULL)
			return fail(r, 0, "no memory");
	}
	return true;
}

/* --- hosts ------------------------------------------------------------------------- */

static bool
add_host(struct query_access *a, struct slice word)
{
	if (a->host_count == QUERY_HOSTS_MOST)
		return false;
	struct query_host *h = &a->hosts[a->host_count++];
	*h = (struct query_host){.name = NULL};
	if (slice_starts(word, "unix:")) {
		h->socket = strndup(word.data + 5, word.len - 5);
		return h->socket != NULL;
	}
	h->internet = slice_starts(word, "inet:");
	if (h->internet)
		word = slice_from(word, 5);
	/* One colon parts a port; several are an IPv6 address, in brackets when a port follows. */
	size_t colon = slice_find_last(word, ':');
	bool bracket = word.len > 0 && word.data[0] == '[';
	size_t close = slice_find(word, ']');
	uint64_t port = 0;
	if (colon < word.len && (bracket ? colon > close : slice_find(word, ':') == colon)) {
		if (!number_parse(slice_from(word, colon + 1), 65535, &port))
			return false;
		word = slice_first(word, colon);
		h->internet = true;
	}
	if (bracket && close + 1 == word.len)
		word = slice_make(word.data + 1, word.len - 2);
	h->port = (unsigned)port;
	h->name = strndup(word.data, word.len);
	return h->name != NULL && word.len > 0;
}

static bool
take_hosts(struct reader *r)
{
	const struct query_entry *e = query_text_find(&r->text, "hosts");
	struct slice list = e != NULL && e->value.len > 0 ? str_slice(&e->value) : slice_of("localhost");
	while (list.len > 0) {
		size_t len = 0;
		while (len < list.len && strchr(", \t\r\n", list.data[len]) == NULL)
			len++;
		if (len > 0 && !add_host(&r->q->access, slice_first(list, len)))
			return fail(r, e != NULL ? e->line : 0, "hosts: more than 16, or one is not unix:/path, host, host:port, inet:host:port");
		list = slice_from(list, len + 1);
	}
	return true;
}

/* --- the query ----------------------------------------------------------------------- */

/* The form before Postfix 2.2. */
static bool
old_query(struct reader *r, struct str *query, size_t *line)
{
	const struct query_entry *table = query_text_find(&r->text, "table");
	const struct query_entry *select = query_text_find(&r->text, "select_field");
	const struct query_entry *where = query_text_find(&r->text, "where_field");
	const struct query_entry *more = query_text_find(&r->text, "additional_conditions");
	if (table == NULL || select == NULL || where == NULL)
		return fail(r, 0, "there is neither a query nor all of table, select_field, where_field");
	*line = select->line;
	str_append_format(query, "SELECT %s FROM %s WHERE %s = '%%s' %s", str_text(&select->value), str_text(&table->value),
	    str_text(&where->value), more != NULL ? str_text(&more->value) : "");
	return !query->failed || fail(r, *line, "the query is too long");
}

static bool
take_query(struct reader *r)
{
	const struct query_entry *e = query_text_find(&r->text, "query");
	struct str query = STR_MOST(EXPANSION_MOST);
	size_t line = e != NULL ? e->line : 0;
	bool ok = e != NULL ? str_set(&query, str_slice(&e->value)) : old_query(r, &query, &line);
	if (ok) {
		const char *problem = query_template_parse(&r->q->query, str_slice(&query));
		ok = problem == NULL || fail(r, line, problem);
	}
	str_free(&query);
	return ok || fail(r, line, "no memory");
}

static bool
take_result(struct reader *r)
{
	const struct query_entry *e = query_text_find(&r->text, "result_format");
	const char *problem = expansion_parse_result(&r->q->result, e != NULL ? str_slice(&e->value) : slice_of("%s"));
	return problem == NULL || fail(r, e != NULL ? e->line : 0, problem);
}

static bool
take_rest(struct reader *r)
{
	const struct query_entry *limit = query_text_find(&r->text, "expansion_limit");
	if (limit != NULL && !number_parse(str_slice(&limit->value), UINT32_MAX, &r->q->expansion_limit))
		return fail(r, limit->line, "expansion_limit must be a number");
	const struct query_entry *verify = query_text_find(&r->text, "tls_verify_cert");
	r->q->access.tls_verify = verify != NULL && slice_is_nocase(str_slice(&verify->value), "yes");
	const struct query_entry *domain = query_text_find(&r->text, "domain");
	if (domain != NULL && (slice_has(str_slice(&domain->value), ':') || slice_has(str_slice(&domain->value), '/')))
		return fail(r, domain->line, "domain: name the domains here; a table of them is not read");
	r->q->domains = strdup(domain != NULL ? str_text(&domain->value) : "");
	return r->q->domains != NULL || fail(r, 0, "no memory");
}

static bool
is_known(struct slice name)
{
	static const char *const others[] = {"hosts", "query", "table", "select_field", "where_field", "additional_conditions",
	    "result_format", "expansion_limit", "tls_verify_cert", "domain"};
	for (size_t i = 0; i < TEXTS; i++)
		if (slice_is(name, texts[i].name))
			return true;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (slice_is(name, others[i]))
			return true;
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		if (slice_is(name, ignored[i]))
			return true;
	return false;
}

static void
warn_unknown(const struct reader *r)
{
	for (size_t i = 0; i < r->text.count; i++) {
		const struct query_entry *e = &r->text.entries[i];
		if (!is_known(str_slice(&e->name)))
			log_warning("query-file-name-unknown", log_text("file", r->q->path), log_number("line", (int64_t)e->line),
			    log_slice("name", str_slice(&e->name)), log_text("hint", "it is left out; mysql_table(5) has the names"));
	}
}

bool
query_file_parse(struct query_file *q, const char *path, struct slice text, struct str *problem)
{
	*q = (struct query_file){.path = strdup(path), .query = {.sql = STR_MOST(EXPANSION_MOST)}, .result = EXPANSION_NONE};
	struct reader *r = calloc(1, sizeof *r);
	str_clear(problem);
	if (q->path == NULL || r == NULL) {
		free(r);
		return str_append_text(problem, "no memory") && false;
	}
	r->q = q;
	r->problem = problem;
	size_t line;
	const char *wrong = query_text_parse(&r->text, text, &line);
	bool ok = wrong == NULL ? take_texts(r) && take_hosts(r) && take_query(r) && take_result(r) && take_rest(r)
	                        : fail(r, line, wrong);
	if (ok)
		warn_unknown(r);
	query_text_free(&r->text);
	free(r);
	return ok;
}

void
query_file_free(struct query_file *q)
{
	for (size_t i = 0; i < q->access.host_count; i++) {
		free(q->access.hosts[i].name);
		free(q->access.hosts[i].socket);
	}
	if (q->access.password != NULL)
		explicit_bzero(q->access.password, strlen(q->access.password));
	for (size_t i = 0; i < TEXTS; i++)
		free(*text_of(&q->access, i));
	query_template_free(&q->query);
	expansion_free(&q->result);
	free(q->domains);
	free(q->path);
	*q = (struct query_file){.path = NULL};
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
query_access_equal(const struct query_access *a, const struct query_access *b)
{
	if (a->host_count != b->host_count || a->tls_verify != b->tls_verify)
		return false;
	for (size_t i = 0; i < a->host_count; i++) {
		const struct query_host *x = &a->hosts[i], *y = &b->hosts[i];
		if (!same_text(x->name, y->name) || !same_text(x->socket, y->socket) || x->port != y->port || x->internet != y->internet)
			return false;
	}
	for (size_t i = 0; i < TEXTS; i++)
		if (!same_text(*text_of(a, i), *text_of(b, i)))
			return false;
	return true;
}

/* Then only user@domain of a listed domain is asked for, as in mysql_table(5). */
bool
query_file_wants(const struct query_file *q, struct slice key)
{
	struct slice list = slice_of(q->domains), local, domain;
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
