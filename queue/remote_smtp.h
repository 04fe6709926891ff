/* One transaction with one server that is connected: greeting to QUIT. */
#ifndef QUEUE_REMOTE_SMTP_H
#define QUEUE_REMOTE_SMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"

#define SMTP_RECIPIENTS_MOST 100

/* What is to be sent. */
struct errand {
	const char    *id;       /* queue id, for the log */
	struct slice   sender;
	bool           eight_bit; /* the client said BODY=8BITMIME */
	int            file;
	uint64_t       offset, length;
	size_t         count;
	struct slice   recipients[SMTP_RECIPIENTS_MOST];
	struct outcome outcomes[SMTP_RECIPIENTS_MOST];
};

struct smtp_settings {
	const char *hostname;
	int         timeout; /* ms for an answer; twice that after the message */
};

/*
 * Speaks on `fd` (not closed). True: every recipient has its outcome. False:
 * this server is of no use now, another may be tried; `*trouble` says why.
 */
bool smtp_send(int fd, const char *server, const struct smtp_settings *settings, struct errand *e, struct outcome *trouble);

#endif
