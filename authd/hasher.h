/*
 * The workers that parse SASL blobs and verify hashes. They hold no database,
 * open no file and no socket. The event loop sends them what the client said;
 * they answer with a challenge, or ask for one user's row:
 *
 *     begin ID MECHANISM BINDING CERTIFICATE [INITIAL]  ->  more CHALLENGE | verdict
 *     step ID RESPONSE                                  ->  more CHALLENGE | verdict
 *     password ID USER PASSWORD                         ->  verdict
 *     drop ID                                           ->  dropped
 *
 *     verdict = ok MEMORY CLASS | no WHY CLASS [TRIED] | later WHY
 *
 * Before a verdict a worker may say once `need LOGIN AUTHZID`; the loop answers
 * `row found ROWS MEMORY`, `row none` or `row later`. Blobs are in base64 as
 * they came. One worker keeps the exchanges that it began, so all steps of one
 * go to the same worker.
 *
 *   BINDING      of the TLS connection: NAME=BASE64, spaces between; "" for none
 *   CERTIFICATE  the login name of the client's certificate; "" for none
 *   AUTHZID      as whom LOGIN wants to act; "" for itself. The loop decides.
 *   ROWS         authd/rows.h: columns "password" and "nopassword"
 *   MEMORY       a tag of (login, rows, password) under a key of this start:
 *                who gets it back with the same three need not hash again. ""
 *                when there is none or the password needed no costly hash
 *   TRIED        stands for the wrong password, under a key of this start
 *   CLASS        what the rows hold: hash_class(); "hashed" when they differ
 */
#ifndef AUTHD_HASHER_H
#define AUTHD_HASHER_H

#include <stdbool.h>
#include <stdint.h>

#include "authd/hash.h"
#include "authd/hash_key.h"
#include "lib/ipc/pool.h"

#define HASHERS_MOST   64
#define EXCHANGES_MOST 256 /* that one worker keeps; the oldest gives way */

struct hashers {
	size_t            count;
	struct hash_rules rules;
	const char       *hostname; /* for CRAM-MD5's challenge; NULL: localhost */
	struct hash_key   key;      /* of all workers, those that come later too */
	struct pool       pools[HASHERS_MOST]; /* of one worker each: a step must find its worker again */
	size_t            load[HASHERS_MOST];  /* jobs that each has */
	void            (*forget)(void *context); /* called in the worker first: wipes what it must not know */
	void             *forget_context;
};

/* Set count, rules, hostname and forget first. False with errno. */
bool hashers_start(struct hashers *h);
/* The number of the worker with the shortest line. */
size_t hashers_choose(const struct hashers *h);

#endif
