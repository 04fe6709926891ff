/*
 * The key process: the only one that holds private keys. It signs what the
 * handshake of a TLS server signs and nothing else, one signature per child.
 *
 * Packets. On the control socket, from the acceptor:
 *
 *     child + descriptor     a child's channel
 *     reload                 read the files again
 *
 * and to it: `authorities` with a piece of client_ca's PEM behind, as often as
 * it takes, then `certificate ID` with the chain in PEM behind; or `no` when
 * the files are not fit (the old ones go on). The first come by themselves at
 * the start. On a child's channel: `sign ID HASH PADDING` with the
 * bytes to sign behind; `ok` with the signature behind, or `no WHY`. Then the
 * channel is closed.
 */
#ifndef TLSD_KEYS_H
#define TLSD_KEYS_H

#include <stdbool.h>

#include "lib/base/slice.h"

struct keys_settings {
	const char *certificate;
	const char *private_key;
	const char *client_ca; /* "": none */
};

/* Loads the pair, confines itself, serves until `control` ends. Ends the process with an exit code. */
_Noreturn void keys_run(int control, const struct keys_settings *settings);

/*
 * Whether these are the bytes that a TLS server signs: the CertificateVerify
 * of TLS 1.3 (RFC 8446 section 4.4.3) or the ECDHE parameters of TLS 1.2 (RFC
 * 8422 section 5.4). A child that was taken over can have nothing else signed.
 */
bool keys_may_sign(struct slice bytes);

#endif
