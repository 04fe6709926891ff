/* Comparators and match types (RFC 5228 section 2.7). */
#ifndef SIEVE_MATCH_H
#define SIEVE_MATCH_H

#include "sieve/run.h"

/* Whether one of the keys matches, as the call says. ANSWER_ERROR when the run's budget is used up. */
enum sieve_answer sieve_match(struct sieve_run *r, const struct sieve_said *said, struct slice value, struct sieve_strings keys);

#endif
