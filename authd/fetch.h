/*
 * Questions to the database, gathered. What inquiries want in one turn of the
 * loop goes to the workers in few jobs, and equal questions go once: the RCPT
 * lines of a client that pipelines share their domain and its catch-all.
 *
 * Only what has not been sent yet is shared. An answer that is under way may be
 * older than the question, and an account that was made a second ago works.
 */
#ifndef AUTHD_FETCH_H
#define AUTHD_FETCH_H

#include "authd/facts.h"
#include "lib/ipc/pool.h"

/* What a worker answered. */
struct told {
	enum fact_state state;
	const char     *value; /* FACT_FOUND; else "" */
	bool            away;  /* the database is gone, as far as can be seen from this question */
	bool            busy;  /* it was not asked: too many questions wait */
};

/* `lines`: the answer's further fields, to a question that was asked alone; else NULL. */
typedef void fetch_handler(void *owner, enum map map, struct slice key, const struct told *told, struct packet *lines);

struct fetch;

struct fetches {
	struct pool  *database;
	struct fetch *first, *last; /* not sent yet */
	struct timer  send;
};

/*
 * Asks in this turn of the loop, together with others. The handler is called
 * once, never within this call; the owner must live until then. False: no memory.
 */
bool fetch_together(struct fetches *all, enum map map, struct slice key, fetch_handler *done, void *owner);

/* A question that goes at once, as a job of its own. `service` and `client` are the login's that it is about, or "". */
struct fetch_alone {
	enum map     map;
	struct slice key;
	const char  *service, *client;
	bool         explain;
};
/* The pool's handler gets the answer; fetch_told() reads it. False: too many questions wait. */
bool fetch_alone(struct fetches *all, const struct fetch_alone *what, pool_handler *done, void *context);
/* `answer` NULL: the worker was lost. A worker that died knows nothing: that is later, never no. */
struct told fetch_told(struct packet *answer);

#endif
