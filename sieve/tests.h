/* The tests, one function each; the table is definitions.c. */
#ifndef SIEVE_TESTS_H
#define SIEVE_TESTS_H

#include "sieve/definitions.h"

/* RFC 5228 section 5. */
enum sieve_answer sieve_ask_address(struct sieve_run *r, const struct sieve_call *call);
enum sieve_answer sieve_ask_allof(struct sieve_run *r, const struct sieve_call *call);
enum sieve_answer sieve_ask_anyof(struct sieve_run *r, const struct sieve_call *call);
enum sieve_answer sieve_ask_envelope(struct sieve_run *r, const struct sieve_call *call);
enum sieve_answer sieve_ask_exists(struct sieve_run *r, const struct sieve_call *call);
enum sieve_answer sieve_ask_false(struct sieve_run *r, const struct sieve_call *call);
enum sieve_answer sieve_ask_header(struct sieve_run *r, const struct sieve_call *call);
enum sieve_answer sieve_ask_not(struct sieve_run *r, const struct sieve_call *call);
enum sieve_answer sieve_ask_size(struct sieve_run *r, const struct sieve_call *call);
enum sieve_answer sieve_ask_true(struct sieve_run *r, const struct sieve_call *call);
/* RFC 5490 section 3.1. */
enum sieve_answer sieve_ask_mailboxexists(struct sieve_run *r, const struct sieve_call *call);

/* What else must be right of them. */
bool sieve_check_address(const struct sieve_call *call, struct sieve_problem *p);
bool sieve_check_envelope(const struct sieve_call *call, struct sieve_problem *p);
bool sieve_check_size(const struct sieve_call *call, struct sieve_problem *p);

#endif
