/* Answers (RFC 5321 section 4.2), each with its enhanced status code (RFC 2034). They are sent before the next wait. */
#ifndef SMTPD_REPLY_H
#define SMTPD_REPLY_H

#include "lib/base/outcome.h"
#include "smtpd/session.h"

/* One line. `enhanced` NULL: none belongs there (220 greeting, 334, 354, EHLO's answer). A 5xx counts as an error. */
void reply(struct session *s, unsigned code, const char *enhanced, const char *text);
/* A line that is not the last: "250-text". */
void reply_part(struct session *s, unsigned code, const char *text);

/* The same, and an info line in the log: `what` names the command, `about` the address or other thing refused. */
void refuse(struct session *s, unsigned code, const char *enhanced, const char *text, const char *what,
    struct slice about);
/* The answer to trouble that another program of the suite told of. */
void refuse_outcome(struct session *s, const struct outcome *o, const char *what, struct slice about);

/* 421 and the end of the session. */
void reply_closing(struct session *s, const char *enhanced, const char *text, const char *why);

#endif
