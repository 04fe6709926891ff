/* One message on its way to queued: the client side of queue/intake (ARCHITECTURE.md), for the session's envelope. */
#ifndef SMTPD_INTAKE_H
#define SMTPD_INTAKE_H

#include "lib/base/outcome.h"
#include "smtpd/session.h"

/*
 * Tells queued the envelope and has the file made; fills envelope.queue_id.
 * Done, or what queued said; 4.3.2 when it is gone.
 */
struct outcome intake_open(struct session *s);
/*
 * The message's bytes, gathered into packets in s->packet (nobody else may use
 * it before the commit). False when queued is gone; the bytes are then lost.
 */
bool intake_write(struct session *s, struct slice bytes);
/* Between two commands: sends what is gathered, so that s->packet is free, and takes it up again. False: queued is gone. */
bool intake_pause(struct session *s);
void intake_resume(struct session *s);
/* Done: the message is durable. Anything else: it is not, or nobody knows, and the client must come again. */
struct outcome intake_commit(struct session *s);
/* The message is forgotten. */
void intake_abort(struct session *s);

/* "ESMTPSA" and so on (RFC 3848). */
const char *intake_protocol(const struct session *s);

#endif
