/* The worker's conversation with queued or lmtpd, on a SEQPACKET socket (ARCHITECTURE.md, "deliver worker"). */
#ifndef DELIVER_WORKER_H
#define DELIVER_WORKER_H

#include <stdbool.h>

#include "deliver/delivery.h"

/* Serves until the socket ends: true. False when the peer sent what is no request, or went away badly (logged). */
bool worker_serve(struct deliverer *d, int socket);

#endif
