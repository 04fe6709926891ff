/* vacation (RFC 5230): whether a message is answered, and the answer. */
#ifndef SIEVE_VACATION_H
#define SIEVE_VACATION_H

#include "lib/base/str.h"
#include "sieve/run.h"

#define VACATION_REASON_MOST 16384 /* bytes of its text */
#define VACATION_ANSWER_MOST 60000 /* bytes of the message: it travels in one packet */
#define VACATION_FROM_MOST   10    /* mailboxes of :from */
#define VACATION_DAYS        7     /* when nothing is said */
#define VACATION_DAYS_MOST   180

/* Adds the answer to the actions, unless the message is one of those that nobody answers. Whether its sender had one lately is for deliver to say. */
enum sieve_flow sieve_act_vacation(struct sieve_run *r, const struct sieve_call *call);
bool sieve_check_vacation(const struct sieve_call *call, struct sieve_problem *p);

/* Why the message is not answered, in words; NULL: it may be. `own` becomes the address of the user's that it was written to. */
const char *sieve_not_answered(const struct sieve_message *m, struct sieve_strings addresses, struct str *own);

/* Appends the answer, lines ending in CRLF. False when it is too long. */
bool sieve_reply_compose(struct str *into, struct sieve_run *r, const struct sieve_call *call, struct slice own);
/* Appends the mailboxes of :from (RFC 5230 section 4.3) as a From field has them behind its colon. How many; 0: one is none, or they are too many. */
size_t sieve_reply_from(struct str *into, struct slice text);
/*
 * Appends what tells the sender why reject has refused his message, with the
 * text as it is: a notification of disposition (RFC 5429 section 2.2.1, RFC 8098). False when it is too long.
 */
bool sieve_reply_refuse(struct str *into, struct sieve_run *r, struct slice reason);

#endif
