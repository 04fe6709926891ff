/*
 * The one session that a child has. It stays open for a while behind an errand,
 * so that the next one for the same destination can follow: never for another
 * destination, TLS policy or login.
 */
#ifndef QUEUE_REMOTE_KEPT_H
#define QUEUE_REMOTE_KEPT_H

#include "queue/remote_smtp.h"

/* True: the errand was carried by the session that is there, and is over. False: none fits, or it had ended; nothing is lost. */
bool kept_carry(const struct smtp_settings *settings, const struct route *route, const struct plan_facts *facts, struct errand *e);

/*
 * Opens a session on `fd` (now its own) and carries the errand. True: every
 * recipient has its outcome. False: this server is of no use now, another may be
 * tried; `*trouble` says why, and plan->failed when it was the handshake.
 */
bool kept_begin(const struct smtp_settings *settings, int fd, const char *server, const struct route *route,
    const struct plan_facts *facts, struct tls_plan *plan, struct errand *e, struct outcome *trouble);

/* How long the session may wait for another errand, in ms; -1: there is none. */
int  kept_patience(void);
void kept_end(void);

#endif
