/*
 * The SASL mechanisms and what each needs, so that the loop can decide which
 * are offered. Pure tables: who runs them is a hashing worker.
 */
#ifndef AUTHD_MECHANISMS_H
#define AUTHD_MECHANISMS_H

#include <stdbool.h>

#include "lib/base/slice.h"

struct mechanism {
	const char *name;
	bool        clear;       /* the client sends the password itself: over TLS, unless the administrator says otherwise */
	bool        certificate; /* needs a verified client certificate */
	bool        binding;     /* needs a channel binding */
	bool        old;         /* broken by today's measure: off unless switched on */
	bool        prompts;     /* the server speaks first: an initial response is out of place (LOGIN's is taken) */
	bool        empty;       /* a client's message may be empty */
	unsigned    nuls;        /* NUL bytes that a client's message holds */
	const char *classes;     /* of rows that it works with (hash_class()), spaces between; "": any, or no password at all */
};

/* The strongest first: the order in which they are offered. Ends with NULL. */
const struct mechanism *mechanism_at(size_t number);
/* By name, without case; NULL: there is none. */
const struct mechanism *mechanism_find(struct slice name);
/* Whether a row of this class can serve it. */
bool mechanism_takes(const struct mechanism *m, const char *class);

#endif
