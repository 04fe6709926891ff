/* A script at work on one message: what is known, what is left of its budget, what it wants done. */
#ifndef SIEVE_RUN_H
#define SIEVE_RUN_H

#include "sieve/definitions.h"
#include "sieve/message.h"
#include "sieve/script.h"

#define SIEVE_BUDGET       20000000 /* commands, tests, and bytes compared, of one run */
#define SIEVE_ACTIONS_MOST 32

enum sieve_kind { SIEVE_KEEP, SIEVE_FILEINTO, SIEVE_REDIRECT, SIEVE_REJECT, SIEVE_VACATION };

struct sieve_action {
	enum sieve_kind      kind;
	struct slice         text;  /* folder, address, reason, or the whole answer of vacation */
	struct slice         told;  /* of reject: the message that tells the sender; data NULL: whoever delivers does */
	struct sieve_strings flags; /* of keep and fileinto, one each */
	bool                 create;
	uint64_t             mark;  /* of vacation: who was answered with what */
	uint64_t             days;
};

struct sieve_run {
	/* Set by the caller. */
	struct sieve_message *message;
	struct sieve_memory  *memory;
	struct sieve_problem *problem;
	uint64_t              budget;
	uint64_t              redirects_most;
	bool                (*exists)(void *context, struct slice folder); /* of mailboxexists */
	void                 *context;

	/* What comes of it. */
	struct sieve_action actions[SIEVE_ACTIONS_MOST];
	size_t              count;
	bool                cancelled; /* the implicit keep (RFC 5228 section 2.10.2) */
	bool                vacated;   /* there was a vacation, whether it answers this message or not */
	struct sieve_strings flags;    /* RFC 5232's internal variable */
	unsigned             line;     /* of the command under way */
};

/*
 * Runs a script that was checked. What it wants done is added to the actions,
 * the implicit keep too unless it was cancelled. False with the problem: then
 * the actions do not count, and the message is to be kept.
 */
bool sieve_run(struct sieve_run *r, const struct sieve_script *s);

/* Keep is among the actions. */
bool sieve_run_keeps(const struct sieve_run *r);

/* For tests and commands. */
enum sieve_answer sieve_ask(struct sieve_run *r, const struct sieve_call *test);
enum sieve_answer sieve_over_budget(struct sieve_run *r);
/* Tells what is wrong; returns FLOW_ERROR. */
enum sieve_flow sieve_fails(struct sieve_run *r, const struct sieve_call *call, const char *why);

#endif
