/* imap4flags (RFC 5232), without variables: the flags that keep and fileinto give a message. */
#ifndef SIEVE_FLAGS_H
#define SIEVE_FLAGS_H

#include "sieve/run.h"

enum sieve_flow sieve_act_setflag(struct sieve_run *r, const struct sieve_call *call);
enum sieve_flow sieve_act_addflag(struct sieve_run *r, const struct sieve_call *call);
enum sieve_flow sieve_act_removeflag(struct sieve_run *r, const struct sieve_call *call);
enum sieve_answer sieve_ask_hasflag(struct sieve_run *r, const struct sieve_call *call);

#define SIEVE_FLAGS_MOST 64

/* The flags of a list, each once and alone: one string may hold several with spaces between. Without memory none. */
struct sieve_strings sieve_flags_of(struct sieve_run *r, struct sieve_strings list);

#endif
