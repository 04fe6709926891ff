/*
 * Clients that do not wait for us: programs that send a whole dialogue without
 * reading an answer, as no mail server does.
 */
#ifndef SMTPD_EARLY_H
#define SMTPD_EARLY_H

#include "smtpd/command.h"
#include "smtpd/session.h"

/*
 * Before the greeting. False: the client spoke first, or went; the session is
 * over (and he was told, with a 554 in place of the greeting: RFC 5321 section 3.1).
 */
bool early_greet(struct session *s);

/*
 * Has the client sent something behind a command whose answer it must wait
 * for (RFC 2920 section 3.1), where set? Then it has been answered, and the session is over.
 */
bool early_pipelined(struct session *s, const struct verb *v);

#endif
