/*
 * The workers that parse SASL blobs and verify hashes. They hold no database,
 * open no file and no socket. The event loop sends them what the client said;
 * they answer with a challenge, or ask for one user's row:
 *
 *     begin ID MECHANISM [INITIAL]     ->  more CHALLENGE | verdict
 *     step ID RESPONSE                 ->  more CHALLENGE | verdict
 *     password ID USER PASSWORD        ->  verdict
 *     drop ID                          ->  dropped
 *
 * verdict: ok | no WHY | later WHY. Before it a worker may say `need USER`; the
 * loop then sends `row found HASH`, `row none` or `row later`. Blobs are in base64
 * as they came. One worker keeps the exchanges that it began, so all steps of
 * one go to the same worker.
 */
#ifndef AUTHD_HASHER_H
#define AUTHD_HASHER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ipc/pool.h"

#define HASHERS_MOST    64
#define EXCHANGES_MOST  256 /* that one worker keeps; the oldest gives way */
#define MECHANISM_NAMES "PLAIN LOGIN"

struct hashers {
	size_t      count;
	struct pool pools[HASHERS_MOST]; /* of one worker each: a step must find its worker again */
	size_t      load[HASHERS_MOST];  /* jobs that each has */
	void      (*forget)(void *context); /* called in the worker first: wipes what it must not know */
	void       *forget_context;
};

/* Set count and forget first. False with errno. */
bool hashers_start(struct hashers *h);
/* The number of the worker with the shortest line. */
size_t hashers_choose(const struct hashers *h);

/* --- within a worker (hasher_sasl.c) --- */

/* The row of a user, asked from the loop. */
enum row { ROW_FOUND, ROW_NONE, ROW_LATER };

struct hasher {
	int            socket;
	struct packet *packet; /* the answer that is being made */
	char          *model;  /* the last real hash: an unknown user costs the same */
};

/* Asks for the user's row and verifies. Puts the verdict into the packet; true when the password is right. */
bool hasher_check(struct hasher *h, const char *user, const char *password);
void hasher_say(struct hasher *h, const char *verdict, const char *why);

struct sasl_table;
struct sasl_table *sasl_table_make(struct hasher *h); /* NULL: no memory, no mechanisms */
void sasl_begin(struct sasl_table *t, uint64_t id, const char *mechanism, const char *initial);
void sasl_step(struct sasl_table *t, uint64_t id, const char *response);
void sasl_drop(struct sasl_table *t, uint64_t id);

#endif
