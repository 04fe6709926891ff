/*
 * One of the administrator's query files, in the form of Postfix's
 * mysql_table(5), old (table, select_field, ...) or new (query).
 */
#ifndef AUTHD_QUERY_FILE_H
#define AUTHD_QUERY_FILE_H

#include <stdint.h>

#include "authd/query_template.h"

#define QUERY_FILE_MOST  262144
#define QUERY_HOSTS_MOST 16

struct query_host {
	char    *name; /* NULL: a Unix socket */
	char    *socket; /* NULL: the library's default, when name is NULL too */
	unsigned port; /* 0: the default */
	bool     internet; /* TCP even to localhost */
};

/* How to reach the database; texts are "" when not given. */
struct query_access {
	size_t            host_count;
	struct query_host hosts[QUERY_HOSTS_MOST];
	char             *user, *password, *database, *charset;
	char             *option_file, *option_group;
	char             *tls_key_file, *tls_cert_file, *tls_ca_file, *tls_ca_path, *tls_ciphers;
	bool              tls_verify;
};

struct query_file {
	char                 *path;
	struct query_access   access;
	struct query_template query;
	struct expansion      result;
	char                 *domains; /* only keys of these; "" any */
	uint64_t              expansion_limit; /* 0: none */
};

/* Takes the text of a file. False with the reason in `problem` ("line 7: ..."). Free it in both cases. */
bool query_file_parse(struct query_file *q, const char *path, struct slice text, struct str *problem);
void query_file_free(struct query_file *q);
/* Both lead to the same connection. */
bool query_access_equal(const struct query_access *a, const struct query_access *b);
/* Whether this file is asked for that key (its setting `domain`). */
bool query_file_wants(const struct query_file *q, struct slice key);

#endif
