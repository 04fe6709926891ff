/*
 * The database workers: each holds one connection to the administrator's
 * database (one for each different way to reach it, when the query files name
 * several) and answers one question at a time. The event loop never waits for
 * SQL, and a worker that hangs is replaced.
 *
 *     ask MAP KEY SERVICE REMOTE [explain]  ->  found VALUE LINE... | none LINE... | later WHY KIND LINE...
 *     asks MAP KEY [MAP KEY]...             ->  answers ANSWER..., and further packets until each has its answer
 *     ping                                  ->  pong | later WHY away
 *
 * ANSWER, in the order of the questions: found VALUE | none | later WHY KIND |
 * unasked (one before it took long or was not answered: to be asked by itself).
 *
 * SERVICE and REMOTE say who logs in, "" where nobody does. VALUE: of
 * MAP_PASSWORD, and of Dovecot's queries, rows.h. KIND: `away` when the database was
 * not reached or did not answer, `query` when it answered that the query
 * cannot be done. LINEs are for a person, and only there with `explain`. A ping
 * is answered with pong when every way to a database answers.
 */
#ifndef AUTHD_DATABASE_H
#define AUTHD_DATABASE_H

#include "authd/query_list.h"
#include "lib/ipc/pool.h"

#define DATABASE_ASK     "ask"
#define DATABASE_ASKS    "asks"
#define DATABASE_ANSWERS "answers"
#define DATABASE_UNASKED "unasked"
#define DATABASE_EXPLAIN "explain"
#define DATABASE_PING    "ping"
#define DATABASE_FOUND   "found"
#define DATABASE_NONE    "none"
#define DATABASE_LATER   "later"
#define DATABASE_PONG    "pong"
#define DATABASE_AWAY    "away"
#define DATABASE_QUERY   "query"

struct database {
	struct pool        pool;
	struct query_lists lists;   /* set before the start */
	uint64_t           timeout; /* seconds for connecting, and for an answer */
	void             (*forget)(void *context); /* called in a worker first: wipes what it must not know */
	void              *forget_context;
};

/* Loads what libmariadb and the resolver would load later, when no file may be executed any more. Before the confinement. */
void database_prepare(const struct query_lists *l);
/* False with errno. */
bool database_start(struct database *d, size_t workers);

#endif
