/* A request to deliver, as packets bear it (ARCHITECTURE.md, "deliver worker"). */
#ifndef DELIVER_REQUEST_H
#define DELIVER_REQUEST_H

#include <stdbool.h>

#include "deliver/delivery.h"
#include "lib/ipc/packet.h"

/*
 * Reads `deliver T ID SENDER ADDRESS ORIGINAL OFFSET [LENGTH]` and takes its
 * descriptor, which is then the caller's, as what->message. The texts are the
 * packet's. False: it is no request, and what->message is -1. Whoever passes
 * requests on reads them by this too, so that a worker gets none that it must refuse.
 */
bool request_read(struct packet *p, const char **tag, struct delivery *what);

#endif
