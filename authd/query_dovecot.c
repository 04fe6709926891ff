#include "authd/query_dovecot.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/number.h"

/* Names that Postfix does not know. */
static const char *const own_names[] = {"driver", "connect", "password_query", "user_query"};
static const char *const other_names[] = {"default_pass_scheme", "iterate_query"};
/* Of `connect`; the setting sql_timeout says how long we wait. */
static const char *const ignored[] = {"connect_timeout", "read_timeout", "write_timeout", "maxconns"};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static bool
is_one_of(struct slice name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is(name, names[i]))
			return true;
	return false;
}

static struct slice
name_of(struct slice line)
{
	return slice_trim(slice_first(line, slice_find(line, '=')));
}

bool
query_dovecot_is(struct slice text)
{
	for (struct slice line; slice_split(&text, '\n', &line);)
		if (slice_has(line, '=') && is_one_of(name_of(line), own_names, COUNT(own_names)))
			return true;
	return false;
}

/* --- connect --------------------------------------------------------------------------- */

static bool
take_host(struct query_access *a, struct slice value)
{
	if (slice_starts(value, "/"))
		return query_access_add_socket(a, value);
	if (a->host_count == QUERY_HOSTS_MOST || value.len == 0)
		return false;
	struct query_host *h = &a->hosts[a->host_count++];
	*h = (struct query_host){.name = strndup(value.data, value.len)};
	return h->name != NULL;
}

static bool
take_numbers(struct query_reader *r, struct slice name, struct slice value, uint64_t *port, bool *known)
{
	struct query_access *a = &r->q->access;
	uint64_t flags;
	*known = true;
	if (slice_is(name, "port"))
		return number_parse(value, 65535, port);
	if (slice_is(name, "client_flags")) {
		bool ok = number_parse(value, UINT32_MAX, &flags);
		a->flags = ok ? (unsigned long)flags : 0;
		return ok;
	}
	if (slice_is(name, "ssl_verify_server_cert")) {
		a->tls_verify = slice_is(value, "yes");
		return a->tls_verify || slice_is(value, "no");
	}
	*known = false;
	return true;
}

/* One "name=value" of the connect line. */
static bool
take_option(struct query_reader *r, size_t line, struct slice word, uint64_t *port)
{
	struct query_access *a = &r->q->access;
	size_t equals = slice_find(word, '=');
	struct slice name = slice_first(word, equals), value = slice_from(word, equals + 1);
	bool known = true, ok;
	if (slice_is(name, "host") || slice_is(name, "hostaddr"))
		ok = take_host(a, value);
	else if (is_one_of(name, ignored, COUNT(ignored)))
		ok = true;
	else
		ok = take_numbers(r, name, value, port, &known) && (known || query_access_set(a, QUERY_DOVECOT, name, value, &known));
	if (ok)
		return true;
	return query_reader_fail(r, line, known ? "connect: a value is wrong, or there are more than 16 hosts" :
	    "connect: must be name=value with spaces between; known are host port dbname user password client_flags ssl_ca ssl_ca_path "
	    "ssl_cert ssl_key ssl_cipher ssl_verify_server_cert option_file option_group");
}

/* The port is every host's; one that is given means TCP. */
static void
set_ports(struct query_access *a, uint64_t port)
{
	for (size_t i = 0; i < a->host_count; i++) {
		a->hosts[i].port = (unsigned)port;
		a->hosts[i].internet = port > 0 && a->hosts[i].name != NULL;
	}
}

static bool
take_connect(struct query_reader *r)
{
	const struct query_entry *e = query_text_find(&r->text, "connect");
	struct slice list = e != NULL ? str_slice(&e->value) : slice_of("");
	uint64_t port = 0;
	for (struct slice word; slice_split(&list, ' ', &word);) {
		word = slice_trim(word);
		if (word.len > 0 && !take_option(r, e->line, word, &port))
			return false;
	}
	if (r->q->access.host_count == 0 && !take_host(&r->q->access, slice_of("localhost")))
		return query_reader_fail(r, 0, "no memory");
	set_ports(&r->q->access, port);
	return true;
}

/* --- the file --------------------------------------------------------------------------- */

static bool
take_driver(struct query_reader *r)
{
	const struct query_entry *e = query_text_find(&r->text, "driver");
	if (e == NULL || slice_is(str_slice(&e->value), "mysql") || slice_is(str_slice(&e->value), "mariadb"))
		return true;
	return query_reader_fail(r, e->line, "driver must be mysql: MariaDB and MySQL are what is asked here");
}

static bool
take_map_query(struct query_reader *r)
{
	const char *name = r->map == MAP_PASSWORD ? "password_query" : "user_query";
	if (r->map != MAP_PASSWORD && r->map != MAP_MAILBOX && r->map != MAP_QUOTA)
		return query_reader_fail(r, 0, "a file of Dovecot's form serves in sql_passwords, sql_mailboxes and sql_quotas; this setting needs one "
		    "of Postfix's form (mysql_table(5))");
	const struct query_entry *e = query_text_find(&r->text, name);
	if (e == NULL)
		return query_reader_fail(r, 0, r->map == MAP_PASSWORD ? "there is no password_query, which sql_passwords needs" :
		    "there is no user_query, which sql_mailboxes and sql_quotas need");
	return query_reader_take_query(r, e->line, str_slice(&e->value));
}

/* Without one Dovecot takes a password for what crypt(3) knows. */
static bool
take_scheme(struct query_reader *r)
{
	const struct query_entry *e = query_text_find(&r->text, "default_pass_scheme");
	free(r->q->password_scheme);
	r->q->password_scheme = strdup(e != NULL && e->value.len > 0 ? str_text(&e->value) : "CRYPT");
	return r->q->password_scheme != NULL || query_reader_fail(r, 0, "no memory");
}

static void
warn_unknown(const struct query_reader *r)
{
	for (size_t i = 0; i < r->text.count; i++) {
		const struct query_entry *e = &r->text.entries[i];
		if (!is_one_of(str_slice(&e->name), own_names, COUNT(own_names)) && !is_one_of(str_slice(&e->name), other_names, COUNT(other_names)))
			log_warning("query-file-name-unknown", log_text("file", r->q->path), log_number("line", (int64_t)e->line),
			    log_slice("name", str_slice(&e->name)), log_text("hint", "it is left out; known are driver connect default_pass_scheme "
			    "password_query user_query iterate_query"));
	}
}

bool
query_dovecot_parse(struct query_reader *r, struct slice text)
{
	r->q->dialect = QUERY_DOVECOT;
	size_t line;
	const char *wrong = query_text_parse_dovecot(&r->text, text, &line);
	if (wrong != NULL)
		return query_reader_fail(r, line, wrong);
	if (!take_driver(r) || !take_connect(r) || !take_map_query(r) || !take_scheme(r))
		return false;
	warn_unknown(r);
	return true;
}
