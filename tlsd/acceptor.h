/*
 * The socket tlsd/server: a front's `accept T` + its client's connection becomes
 * a child (child.h); root may ask which certificates there are.
 */
#ifndef TLSD_ACCEPTOR_H
#define TLSD_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>

#define ACCEPTOR_SOCKET "tlsd/server"

/* How long a client may take for its handshake, in seconds (the setting `handshake_timeout`). */
extern uint64_t acceptor_handshake_timeout;

/* Serves the listening socket on the loop. False, logged. */
bool acceptor_start(int listening);

#endif
