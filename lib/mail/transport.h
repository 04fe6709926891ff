/*
 * The texts of a transport table, transport(5) of Postfix: "smtp:[host]:port",
 * "lmtp:unix:/path", "virtual:", "error:5.1.1 text" ... What each means here.
 */
#ifndef MAIL_TRANSPORT_H
#define MAIL_TRANSPORT_H

#include <stdbool.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"

enum transport_kind {
	TRANSPORT_DEFAULT, /* ":" or nothing: as if there were no entry */
	TRANSPORT_REMOTE,  /* smtp smtps relay lmtp; ":[host]", "[host]:port" */
	TRANSPORT_LOCAL,   /* virtual local */
	TRANSPORT_ERROR,   /* error retry: the outcome says it */
	TRANSPORT_DISCARD,
	TRANSPORT_HOLD,
	TRANSPORT_UNKNOWN, /* a name of a Postfix's master.cf, perhaps, that is none here */
	TRANSPORT_WRONG,   /* what is behind the colon is no host, no port, no path */
};

/* A text of a map. Only ASCII names in any case; nothing is looked up. */
enum transport_kind transport_kind(struct slice text);
/*
 * What postern-remote is told of TRANSPORT_REMOTE: the text with its name in
 * front ("smtp:" where it was left out, or is "relay:", which is no other way here). False when `into` is full.
 */
bool transport_print(struct str *into, struct slice text);
/* A next hop by itself, as a relay host is written: HOST, [HOST], either with :PORT. */
bool transport_is_hop(struct slice hop);
/*
 * What TRANSPORT_ERROR and TRANSPORT_DISCARD end a delivery with: the code that
 * begins the text (RFC 3463), else 5.0.0 for error, 4.0.0 for retry, 2.0.0 for discard.
 */
struct outcome transport_outcome(struct slice text);

#endif
