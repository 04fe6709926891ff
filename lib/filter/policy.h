/*
 * Postfix's policy delegation protocol (SMTPD_POLICY_README), the mail server's
 * side: a request is lines "name=value" and an empty line, the answer
 * "action=..." and an empty line, over one connection for the whole session.
 */
#ifndef FILTER_POLICY_H
#define FILTER_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/stream.h"
#include "lib/filter/verdict.h"

/* The actions of access(5). Where `answer` or `text` is filled it says so. */
enum policy_word {
	POLICY_DUNNO,           /* says nothing */
	POLICY_OK,              /* no other policy server is asked */
	POLICY_REFUSE,          /* answer: REJECT, DEFER, 4xx or 5xx */
	POLICY_DEFER_IF_PERMIT, /* answer: unless something else refuses */
	POLICY_DEFER_IF_REJECT, /* answer: in place of a later permanent refusal */
	POLICY_HOLD,            /* text */
	POLICY_DISCARD,         /* text */
	POLICY_PREPEND,         /* text: a field of the header */
	POLICY_WARN,            /* text, for the log */
	POLICY_UNSUPPORTED,     /* an action that we do not know or do not have: text is the whole of it */
	POLICY_BROKEN,          /* trouble */
};

struct policy_action {
	enum policy_word     word;
	struct filter_answer answer;
	char                 text[VERDICT_TEXT_MOST];
};

struct policy {
	const char   *trouble; /* NULL: it is well */
	int           patience;
	struct input  in;
	struct output out;
};

void policy_begin(struct policy *p, int fd, int patience);
/* One attribute of the request. Bytes that end lines become '?'. */
void policy_add(struct policy *p, const char *name, struct slice value);
/* Ends the request and waits for the answer. */
enum policy_word policy_ask(struct policy *p, struct policy_action *a);

/* What stands behind "action=". */
enum policy_word policy_parse(struct policy_action *a, struct slice action);

#endif
