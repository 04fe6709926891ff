/*
 * The database workers: each holds the connections to the administrator's
 * database and answers one question at a time. The event loop never waits for
 * SQL, and a worker that hangs is replaced.
 *
 *     ask MAP KEY   ->   found VALUE | none | later WHY
 */
#ifndef AUTHD_DATABASE_H
#define AUTHD_DATABASE_H

#include "authd/query_list.h"
#include "lib/ipc/pool.h"

#define DATABASE_ASK   "ask"
#define DATABASE_FOUND "found"
#define DATABASE_NONE  "none"
#define DATABASE_LATER "later"

struct database {
	struct pool        pool;
	struct query_lists lists;   /* which files answer which map; set before the start */
	uint64_t           timeout; /* seconds for connecting and for an answer */
};

/* Loads what libmariadb would load later, when no file may be executed any more. Before the confinement. */
void database_prepare(void);
/* False, logged. */
bool database_start(struct database *d, size_t workers);

#endif
