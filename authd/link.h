/*
 * Within a database worker: the connections ("links") to MariaDB or MySQL and
 * the prepared statements on them.
 */
#ifndef AUTHD_LINK_H
#define AUTHD_LINK_H

#include <mariadb/mysql.h>
#include <stdint.h>

#include "authd/maps.h"
#include "authd/query_explain.h"
#include "authd/query_file.h"

struct link {
	const struct query_access *access;
	uint64_t                   timeout;    /* seconds */
	MYSQL                     *mysql;      /* NULL: not connected */
	size_t                     host;       /* which of the hosts it leads to */
	uint64_t                   generation; /* counts connections: statements of an older one are void */
	int64_t                    not_before; /* no new attempt until then (clock_ms) */
	int64_t                    pause;      /* ms; grows while no host answers */
	int64_t                    host_not_before[QUERY_HOSTS_MOST];
	int64_t                    host_pause[QUERY_HOSTS_MOST];
};

/* What the rows of a query become. */
enum value_form {
	VALUE_FIRST,  /* the first value */
	VALUE_JOINED, /* all values of all rows, commas between */
	VALUE_ROWS,   /* rows.h; of Postfix's form with one column bare values */
	VALUE_QUOTA,  /* query_quota.h */
};

/* A query file with its statement. */
struct statement {
	const struct query_file *file;
	struct link             *link;
	enum value_form          form;
	bool                     exact;    /* who logs in is to be named by his own name: no other that a collation takes for the same */
	MYSQL_STMT              *handle;
	uint64_t                 generation;
	bool                     prepared; /* the server took the text of `handle` */
};

struct answer {
	enum fact_state     state;
	struct str          value;       /* FACT_FOUND */
	const char         *why;         /* FACT_LATER; for the asker, the log has it in full */
	bool                away;        /* FACT_LATER: the database was not reached or did not answer; else the query failed */
	struct explanation *explanation; /* NULL: none is wanted */
};

/* Asks one file for one key. FACT_LATER is logged. */
void statement_ask(struct statement *s, const struct query_key *key, struct answer *a);

/* Connects unless it is connected. False: none of the hosts answers (logged), or it is too early for a new attempt. */
bool link_connect(struct link *l);
/* The connection is of no use any more. `failed`: so is its host for a while. */
void link_close(struct link *l, bool failed);
/* Whether the database answers now; connects for it. */
bool link_ping(struct link *l);
/* When it leads to another than the first host: looks from time to time whether one before it is back. Takes a second at most. */
void link_return(struct link *l);
/* Whether an error says that the connection is gone. */
bool link_is_lost(unsigned error);

#endif
