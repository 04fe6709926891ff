/*
 * The facts that one question has gathered so far. The resolver is a plain
 * function over facts: what is not known yet is noted as wanted, and once it
 * has been fetched the resolver runs again. So it needs no states of its own,
 * and cannot tell whether a fact came from the embedded users, the cache or
 * SQL. What it must not say from memory alone is looked after by inquiry.c.
 */
#ifndef AUTHD_FACTS_H
#define AUTHD_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/cache.h"
#include "authd/maps.h"
#include "authd/users_cdb.h"
#include "lib/base/str.h"

#define FACTS_MOST  512 /* of one question */
#define WANTED_MOST 6   /* facts that are fetched together */

/* How long SQL's answers serve, in ms. */
struct fact_lives {
	int64_t found, none; /* fresh: SQL is not asked. Passwords are never taken for fresh */
	int64_t stale;       /* while the database is gone */
};

/* Where facts come from at once, and which maps SQL may be asked for. */
struct fact_source {
	struct users_cdb *users;
	bool              sql[MAP_COUNT];
	bool              any_sql;
	bool              one_database[MAP_COUNT]; /* all files of the map lie in the same */
	bool              by_client;       /* a password query asks for the service or the client's address */
	/*
	 * The database did not answer the last question: what is remembered serves
	 * at once. Never of a map whose files lie in several databases: one of them
	 * may be gone and the others answer.
	 */
	bool              away[MAP_COUNT];
	struct cache     *cache; /* NULL: nothing is remembered */
	struct fact_lives lives;
};

struct fact {
	enum map        map;
	enum fact_state state;
	bool            from_sql; /* just now: the cache is to learn it */
	int64_t         at;       /* clock_ms() of SQL's answer */
	struct str      key, value;
};

/* A fact that must be fetched. */
struct wanted {
	enum map   map;
	struct str key;
};

struct facts {
	struct fact_source *source;
	const char         *service, *client; /* of a login: for its password queries; "" else */
	size_t              count, room;
	struct fact        *known;
	bool                remembered; /* a fact came fresh from the cache */
	bool                stale;      /* one did because the database is gone */
	bool                anew;       /* nothing fresh may: SQL itself is asked */
	bool                wanting;    /* what is `wanted` must be fetched before the resolver can go on */
	size_t              wanted_count;
	struct wanted       wanted[WANTED_MOST];
	struct str         *story; /* what happened, a line each with a NUL behind it; NULL: nobody asks */
};

void facts_begin(struct facts *f, struct fact_source *source);
/* Forgets all; passwords are wiped. */
void facts_end(struct facts *f);

/*
 * What is known of a key (in lower case). NULL: it must be fetched first and
 * is noted as wanted. Without memory, or with too many facts, the answer is FACT_LATER.
 */
const struct fact *facts_ask(struct facts *f, enum map map, struct slice key);
/* The resolver is likely to ask this soon: if something must be fetched at all, it is fetched along. Not in a story. */
void facts_expect(struct facts *f, enum map map, struct slice key);
/*
 * Forgets all but what SQL has just said, and lets nothing be taken fresh from the cache from now on. What was
 * forgotten is expected to be asked again.
 */
void facts_ask_anew(struct facts *f);
/* Notes it as wanted, whatever is known. False: no room, or no memory. */
bool facts_want(struct facts *f, enum map map, struct slice key);
/* The answer to something that was wanted. FACT_LATER: what is remembered serves, if it is not too old. */
void facts_learn(struct facts *f, enum map map, struct slice key, enum fact_state state, struct slice value);
/*
 * The question is answered: the cache learns what SQL said. With `refused` it
 * learns no "none" of what it does not know: names that somebody tries out must
 * not fill it. What it knows it must not keep for an outage.
 */
void facts_keep(const struct facts *f, bool refused);
/* The key under which the cache keeps a fact. False: too long. */
bool facts_cache_key(const struct facts *f, enum map map, struct slice key, struct str *into);

/* Adds a line to the story, if there is one: where it was looked up, the key, what was found. */
void facts_explain(struct facts *f, const char *where, struct slice key, enum fact_state state, struct slice value);
/* The name of a map for people: that of its setting without sql_. */
const char *map_name(enum map map);

#endif
