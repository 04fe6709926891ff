/*
 * What ends a session from our side: counts, the session's time, and too
 * little progress. Nothing here is about one answer: messages that are too large
 * and recipients that are too many are refused where they come.
 */
#ifndef SMTPD_LIMITS_H
#define SMTPD_LIMITS_H

#include "smtpd/session.h"

/* Before a command is read. True: one is reached; it has been told, with 421. */
bool limits_reached(struct session *s);
/* At MAIL: may this session bring one more message? False: it has been told, with 421. */
bool limits_message(struct session *s);

/* A whole line must come within the timeout (RFC 5321 section 4.5.3.2.7), not just a byte of it. */
void limits_await_line(struct session *s);
/* A text begins: its first bytes have the timeout. */
void limits_await_text(struct session *s);
/* Waits for more of it. What comes is worth the time that `data_rate` gives it; this is saved up to the timeout. */
enum input_result limits_read_text(struct session *s);

#endif
