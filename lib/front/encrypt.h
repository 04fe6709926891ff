/* The change of a client's connection to TLS: before the first byte, or where the protocol has agreed on it. */
#ifndef FRONT_ENCRYPT_H
#define FRONT_ENCRYPT_H

#include <stdbool.h>

#include "lib/base/stream.h"
#include "lib/ipc/tls.h"

/*
 * Hands the client on descriptor 0 to tlsd and puts the plain socket that comes
 * back on descriptors 0 and 1. What was read from `in` and not taken is
 * forgotten, and so is what `out` has not sent: no byte from before TLS acts
 * after it (promise 5). `*tlsd`, a connection to tlsd/server, is used up: closed and -1.
 * The handshake may take `patience` milliseconds; tlsd's log names the session `id`. False, logged with `client`
 * (an address): there is no TLS and no way back, the conversation must end unanswered.
 */
bool encrypt_client(int *tlsd, int patience, const char *id, const char *client, struct input *in, struct output *out,
    struct tls_facts *facts);

#endif
