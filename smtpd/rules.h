/*
 * What a client may say of itself and of the sender, where a setting asks for
 * it. These restrictions are for strangers: not for permitted networks and
 * logged-in users, unless `restrict_users` says so. They are judged at RCPT, as
 * Postfix does it: by then it is known who logged in, and the log names whom a
 * refused message was for.
 */
#ifndef SMTPD_RULES_H
#define SMTPD_RULES_H

#include "lib/mail/address.h"
#include "smtpd/session.h"

/* Are the settings that are words or codes right? False, logged. */
bool rules_check(const struct rules_config *rules);
/* Opens what a question to DNS needs, where one will be asked. False, logged: a setting is wrong. */
bool rules_open(struct session *s);

/*
 * Has the launcher set RELAYCLIENT? (tcprules for tcpserver.) qmail-smtpd puts its
 * content behind each recipient; here an address stays as it is, and the log says so.
 */
bool rules_relay_client(void);

/* Is this client one whom restrictions are for? */
bool rules_apply(const struct session *s);

/* The names in HELO, sender and recipient are fully qualified, where set. True: go on. Else it has been answered. */
bool rules_qualified(struct session *s, const struct address *recipient);
/* The same: DNS knows them, where set. For a recipient that would be accepted otherwise. */
bool rules_resolvable(struct session *s, const struct address *recipient);

/* The answer to a recipient who is over his quota, as set. */
void rules_refuse_full(struct session *s, struct slice address);

#endif
