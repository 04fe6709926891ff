/*
 * The facts that one question has gathered so far. The resolver is a plain
 * function over facts: what is not known yet is noted as wanted, and once it
 * has been fetched the resolver runs again. So it needs no states of its own,
 * and cannot tell whether a fact came from memory, cdb or SQL.
 */
#ifndef AUTHD_FACTS_H
#define AUTHD_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "authd/maps.h"
#include "authd/recent.h"
#include "authd/users_cdb.h"
#include "lib/base/str.h"

#define FACTS_MOST 16

struct fact {
	enum map        map;
	enum fact_state state;
	struct str      key, value;
};

/* Where facts come from at once, and which maps SQL may be asked for. */
struct fact_source {
	struct users_cdb *users;
	bool              sql[MAP_COUNT];
	bool              any_sql;
	struct recent    *recent; /* NULL: nothing is remembered */
};

struct facts {
	struct fact_source *source;
	size_t              count;
	bool                remembered; /* a fact came from `recent` */
	bool                anew;       /* none may: SQL itself is asked */
	struct fact         known[FACTS_MOST];
	bool                wanting; /* `wanted` must be fetched before the resolver can go on */
	enum map            wanted_map;
	struct str          wanted_key;
};

void facts_begin(struct facts *f, struct fact_source *source);
/* Forgets all; passwords are wiped. */
void facts_end(struct facts *f);

/*
 * What is known of a key (in lower case). NULL: it must be fetched first and
 * is noted as wanted. Without memory, or with too many facts, the answer is FACT_LATER.
 */
const struct fact *facts_ask(struct facts *f, enum map map, struct slice key);
/* Forgets what is known, and lets nothing be taken from memory from now on. */
void facts_ask_anew(struct facts *f);
/* The answer to what was wanted. */
void facts_learn(struct facts *f, enum fact_state state, struct slice value);

#endif
