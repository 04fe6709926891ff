/* The trace line that smtpd puts in front of each message (RFC 5321 section 4.4, RFC 3848, RFC 8314 section 4.3). */
#ifndef SMTPD_RECEIVED_H
#define SMTPD_RECEIVED_H

#include "smtpd/session.h"

#define RECEIVED_MOST 4096

/* Appends the whole field with its line ends. False when `into` is full. */
bool received_print(struct str *into, const struct session *s, int64_t now);

/* The same into the message that is on its way to queued. False when queued is gone. */
bool received_write(struct session *s);

#endif
