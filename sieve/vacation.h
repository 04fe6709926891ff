/* vacation (RFC 5230): whether a message is answered, and the answer. */
#ifndef SIEVE_VACATION_H
#define SIEVE_VACATION_H

#include "lib/base/str.h"
#include "sieve/run.h"

#define VACATION_REASON_MOST 16384 /* bytes of its text */
#define VACATION_ANSWER_MOST 60000 /* bytes of the message: it travels in one packet */
#define VACATION_DAYS        7     /* when nothing is said */
#define VACATION_DAYS_MOST   180

/* Adds the answer to the actions, unless the message is one of those that nobody answers. Whether its sender had one lately is for deliver to say. */
enum sieve_flow sieve_act_vacation(struct sieve_run *r, const struct sieve_call *call);
bool sieve_check_vacation(const struct sieve_call *call, struct sieve_problem *p);

/* Why the message is not answered, in words; NULL: it may be. `own` becomes the address of the user's that it was written to. */
const char *sieve_not_answered(const struct sieve_message *m, struct sieve_strings addresses, struct str *own);

/* Appends the answer, lines ending in CRLF. False when it is too long. */
bool sieve_reply_compose(struct str *into, struct sieve_run *r, const struct sieve_call *call, struct slice own);
/* Reads the one mailbox of :from; false when it is none. `address` and `name` get its parts. */
bool sieve_reply_from(struct slice text, struct str *name, struct str *address);

#endif
