/* The rest of the suite, for lmtpd: authd, postern-lmtp, and the file that holds the message. */
#ifndef DELIVER_LMTP_SERVICES_H
#define DELIVER_LMTP_SERVICES_H

#include "deliver/lmtp_session.h"

/* Opens all of it; before the confinement, since none of it can be made after. False, logged. */
bool lmtp_services_open(struct lmtp_services *v, const char *directory);

/* Whether a mailbox with this address is here and takes mail: done, or why not. */
struct outcome lmtp_ask_recipient(struct lmtp_session *s, struct slice address);

/*
 * Asks postern-lmtp to deliver the first `size` bytes of the file; several may be
 * under way, LMTP_AHEAD at most. The answers come in the order of the questions.
 */
#define LMTP_AHEAD 32 /* twice what a worker takes together, so that it always finds some waiting */
void lmtp_deliver(struct lmtp_session *s, const char *address, uint64_t size);
/* The next answer. Done: it is durable in the Maildir. */
struct outcome lmtp_delivered(struct lmtp_session *s);

#endif
