/* What is to be sent to one destination, and what became of each recipient. */
#ifndef QUEUE_REMOTE_ERRAND_H
#define QUEUE_REMOTE_ERRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"
#include "queue/transaction.h"

enum errand_state {
	ERRAND_DUE,   /* for this transaction or a later one */
	ERRAND_ASKED, /* RCPT is on its way */
	ERRAND_TAKEN, /* the server takes it; the message's answer is missing */
	ERRAND_ENDED, /* it has its outcome */
};

/* One recipient. */
struct errand_recipient {
	struct slice      address;
	struct slice      notify, orcpt; /* as the client sent them; empty: not at all */
	enum errand_state state;
};

struct errand {
	const char    *id;          /* queue id, for the log */
	struct slice   sender;
	struct slice   transport;   /* as queued was told; empty: the recipients' domain */
	bool           eight_bit, binary; /* the client said BODY=8BITMIME, BINARYMIME */
	bool           utf8;        /* it said SMTPUTF8 */
	bool           require_tls; /* it said REQUIRETLS (RFC 8689) */
	struct slice   ret, envid;  /* empty: it did not say */
	bool           utf8_header, tls_optional; /* what the header says: remote_header.h */
	int            file;
	uint64_t       offset, length;
	int64_t        deadline;    /* clock_ms() after which nothing more is waited for; 0: none */
	size_t         count;
	struct errand_recipient recipients[TRANSACTION_RECIPIENTS_MOST];
	struct outcome          outcomes[TRANSACTION_RECIPIENTS_MOST];
};

void   errand_end(struct errand *e, size_t recipient, const struct outcome *o);
/* Those of one state; or all that have not ended. */
void   errand_end_all(struct errand *e, enum errand_state state, const struct outcome *o);
void   errand_end_rest(struct errand *e, const struct outcome *o);
size_t errand_count(const struct errand *e, enum errand_state state);
bool   errand_is_over(const struct errand *e);
/* The transaction came to nothing: those that it was about are due again. */
void   errand_again(struct errand *e);
/* `most` milliseconds, or what is left until the deadline, if that is less. */
int    errand_patience(const struct errand *e, int most);

/* The next hop as the transport names it, without "smtp:"; without a transport the first recipient's domain. */
struct slice errand_next_hop(const struct errand *e);

#endif
