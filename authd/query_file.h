/*
 * One of the administrator's query files: in the form of Postfix's
 * mysql_table(5), old (table, select_field, ...) or new (query), or Dovecot's
 * dovecot-sql.conf.ext (query_dovecot.h). Which it is its names tell.
 */
#ifndef AUTHD_QUERY_FILE_H
#define AUTHD_QUERY_FILE_H

#include <stdint.h>

#include "authd/maps.h"
#include "authd/query_access.h"
#include "authd/query_template.h"
#include "authd/query_text.h"

#define QUERY_FILE_MOST 262144

struct query_file {
	char                 *path;
	enum query_dialect    dialect;
	struct query_access   access;
	struct query_template query;
	struct expansion      result;
	char                 *domains; /* only keys of these; "" any */
	bool                  for_domains; /* of aliases, with a query that names only the domain: only "@domain" is asked for */
	uint64_t              expansion_limit; /* 0: none */
	char                 *password_scheme; /* of Dovecot: for passwords without one; "" none is put before them */
};

/*
 * Takes the text of a file that is named for `map`. False with the reason in
 * `problem` ("line 7: ..."). Free it in both cases.
 */
bool query_file_parse(struct query_file *q, enum map map, const char *path, struct slice text, struct str *problem);
void query_file_free(struct query_file *q);
/* Whether this file is asked for that key (its setting `domain`, for_domains). */
bool query_file_wants(const struct query_file *q, struct slice key);

/* For the parsers of both forms. */
struct query_reader {
	struct query_file *q;
	enum map           map;
	struct query_text  text;
	struct str        *problem;
};

/* False, with the reason noted (the first one stays); line 0: of none. */
bool query_reader_fail(struct query_reader *r, size_t line, const char *what);
/* Turns the query into a statement. */
bool query_reader_take_query(struct query_reader *r, size_t line, struct slice query);

#endif
