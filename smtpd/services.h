/*
 * The other programs of the suite. All connections are made before the
 * confinement; the questions below wait for their answer. A neighbour that does
 * not answer, or not as it should, is not asked again in this session.
 */
#ifndef SMTPD_SERVICES_H
#define SMTPD_SERVICES_H

#include "smtpd/session.h"

/* Connects to what the mode and the settings need. False when one is away (logged). */
bool services_open(struct services *v, const struct config *config);

/*
 * Has authd count this client, in the place of whom it counted before. False,
 * logged: he has too many connections (421 4.7.0).
 */
bool services_client(struct session *s);
/* Counts one message, recipient, TLS session or try to log in. False, logged: that was too fast (450 4.7.1). */
bool services_rate(struct session *s, enum lease_kind kind);

/* Asks authd/login what this client may use to log in. False: not now (logged). */
bool services_hello(struct session *s);

enum recipient_class {
	RECIPIENT_MAILBOX,
	RECIPIENT_ALIAS,
	RECIPIENT_RELAY,
	RECIPIENT_UNKNOWN,
	RECIPIENT_FOREIGN,
	RECIPIENT_FULL,
	RECIPIENT_RETURN, /* a sender that we have rewritten: for bounces */
	RECIPIENT_LATER, /* nobody knows now */
};

/* What is this recipient? And the bytes that a message to him may have, 0: any. */
enum recipient_class services_recipient(struct session *s, struct slice address, uint64_t *size_most);

enum sender_answer {
	SENDER_ALLOWED,
	SENDER_FORBIDDEN,
	SENDER_LATER,
};

/* May the user who is logged in send as this address? */
enum sender_answer services_sender(struct session *s, struct slice address);

/* Has the queue try the mail for this domain now: how many messages. False: nobody knows now. */
bool services_etrn(struct session *s, struct slice domain, uint64_t *count);

/*
 * Counts the envelope's recipients for the user who is logged in. True: go on,
 * and envelope.hold says whether the message is to be held. False: nobody knows now.
 */
bool services_outgoing(struct session *s);

#endif
