/* One transaction with one server that is connected: greeting to QUIT. */
#ifndef QUEUE_REMOTE_SMTP_H
#define QUEUE_REMOTE_SMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"
#include "queue/remote_plan.h"

#define SMTP_RECIPIENTS_MOST 100

/* One recipient. */
struct errand_recipient {
	struct slice address;
	struct slice notify, orcpt; /* as the client sent them; empty: not at all */
};

/* What is to be sent. */
struct errand {
	const char    *id;       /* queue id, for the log */
	struct slice   sender;
	bool           eight_bit, binary; /* the client said BODY=8BITMIME, BINARYMIME */
	bool           utf8;        /* it said SMTPUTF8 */
	bool           require_tls; /* it said REQUIRETLS (RFC 8689) */
	struct slice   ret, envid;  /* empty: it did not say */
	bool           utf8_header, tls_optional; /* what the header says: remote_header.h */
	int            file;
	uint64_t       offset, length;
	size_t         count;
	struct errand_recipient recipients[SMTP_RECIPIENTS_MOST];
	struct outcome          outcomes[SMTP_RECIPIENTS_MOST];
};

/* Whether all of its text is ASCII. */
bool errand_is_ascii(struct slice text);

struct smtp_settings {
	const char *hostname;
	int         timeout; /* ms for an answer; twice that after the message */
};

/*
 * Speaks on `fd` (not closed) with what the plan wants of TLS. True: every
 * recipient has its outcome. False: this server is of no use now, another may
 * be tried; `*trouble` says why, and plan->failed when it was the handshake.
 */
bool smtp_send(int fd, const char *server, const struct smtp_settings *settings, struct tls_plan *plan, struct errand *e,
    struct outcome *trouble);

#endif
