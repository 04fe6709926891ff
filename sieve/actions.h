/* The actions (RFC 5228 sections 2.10 and 4, RFC 5429), one function each; vacation.h and flags.h have the others. */
#ifndef SIEVE_ACTIONS_H
#define SIEVE_ACTIONS_H

#include "sieve/run.h"

enum sieve_flow sieve_act_stop(struct sieve_run *r, const struct sieve_call *call);
enum sieve_flow sieve_act_keep(struct sieve_run *r, const struct sieve_call *call);
enum sieve_flow sieve_act_discard(struct sieve_run *r, const struct sieve_call *call);
enum sieve_flow sieve_act_redirect(struct sieve_run *r, const struct sieve_call *call);
enum sieve_flow sieve_act_fileinto(struct sieve_run *r, const struct sieve_call *call);
enum sieve_flow sieve_act_reject(struct sieve_run *r, const struct sieve_call *call);
enum sieve_flow sieve_act_ereject(struct sieve_run *r, const struct sieve_call *call);

bool sieve_check_redirect(const struct sieve_call *call, struct sieve_problem *p);

/* At a script's end: keeps, unless that is among the actions. False with the problem. */
bool sieve_keep_implicitly(struct sieve_run *r);
/* Why there may be no such action beside those that are there; NULL: it may be. */
const char *sieve_conflict(const struct sieve_run *r, enum sieve_kind kind);
/* Adds an action, unless it may not be beside the others or there are too many: then the problem is told, and it is NULL. */
struct sieve_action *sieve_add_action(struct sieve_run *r, unsigned line, enum sieve_kind kind);

#endif
