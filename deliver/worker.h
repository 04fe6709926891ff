/* The worker's conversation with queued or lmtpd, on a SEQPACKET socket (ARCHITECTURE.md, "deliver worker"). */
#ifndef DELIVER_WORKER_H
#define DELIVER_WORKER_H

#include <stdbool.h>

#include "deliver/delivery.h"

/*
 * Requests that wait at the socket together are delivered together (group.h)
 * and answered in their order, so a peer that has more than one does well to
 * send them all.
 *
 * Serves until the socket ends: true. False when the peer sent what is no request, or went away badly (logged).
 */
bool worker_serve(struct deliverer *d, int socket);

#endif
