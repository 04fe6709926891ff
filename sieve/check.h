/* What a script means: its words looked up, required (RFC 5228 section 3.2), its arguments of the right kinds, in their places. */
#ifndef SIEVE_CHECK_H
#define SIEVE_CHECK_H

#include "sieve/script.h"

/* Fills the tree. `memory` takes strings whose encoded characters are decoded. False with `problem`. */
bool sieve_check(struct sieve_script *s, struct sieve_memory *memory, struct sieve_problem *problem);

/* Both: text in, a script that can be run out. */
bool sieve_compile(struct sieve_script *s, struct slice text, struct sieve_memory *memory, struct sieve_problem *problem);

#endif
