/*
 * Within a database worker: the connections ("links") to MariaDB or MySQL and
 * the prepared statements on them.
 */
#ifndef AUTHD_LINK_H
#define AUTHD_LINK_H

#include <mariadb/mysql.h>
#include <stdint.h>

#include "authd/maps.h"
#include "authd/query_file.h"

struct link {
	const struct query_access *access;
	uint64_t                   timeout;    /* seconds */
	MYSQL                     *mysql;      /* NULL: not connected */
	uint64_t                   generation; /* counts connections: statements of an older one are void */
	int64_t                    not_before; /* no new attempt until then (clock_ms) */
	int64_t                    pause;      /* ms; grows while no host answers */
	int64_t                    host_not_before[QUERY_HOSTS_MOST];
};

/* A query file with its statement. */
struct statement {
	const struct query_file *file;
	struct link             *link;
	MYSQL_STMT              *handle;
	uint64_t                 generation;
	bool                     prepared; /* the server took the text of `handle` */
};

/*
 * Asks one file for one key. The value is all values of all rows with commas
 * between (`joined`), or the first one alone. FACT_LATER is logged, `why` says
 * why for the asker.
 */
enum fact_state statement_ask(struct statement *s, struct slice key, bool joined, struct str *value, const char **why);

/* Connects unless it is connected. False: none of the hosts answers (logged), or it is too early for a new attempt. */
bool link_connect(struct link *l);
/* The connection is of no use any more. `failed`: so is its host for a while. */
void link_close(struct link *l, bool failed);

#endif
