/* A child: one TLS connection from the first byte of its handshake to its end. */
#ifndef TLSD_CHILD_H
#define TLSD_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

struct child {
	int         client;    /* the connection that the front has handed over */
	int         requester; /* the front's conversation with tlsd/server */
	int         control;   /* to the key process, to announce a channel */
	const char *tag;
	SSL_CTX    *context;
	size_t      inherited; /* bytes of memory that the certificates take, beyond what its contract counts on */
	int         handshake_timeout; /* ms */
	int         key_timeout;
};

/* Runs in a process of its own, fresh from fork(2); closes all other descriptors, confines itself. */
_Noreturn void child_run(const struct child *child);

/* Makes a channel to the key process and announces it on `control` (keys.h). -1 when it cannot be made. */
int child_open_channel(int control);

/* --- what a child of the outgoing side (outgoing.h) does in the same way ------------------------- */

void child_forget_signals(void);
/* Makes it fit for our calls. False, with errno, when it is not a stream socket. */
bool child_prepare_peer(int fd);
/* Closes all descriptors but those (and standard error): the acceptor's hold other sessions. Sorts them. */
void child_close_others(int *kept, size_t count);

struct child_handshake {
	int         peer, requester; /* it ends when the requester leaves */
	int         timeout;         /* ms */
	const char *closed;          /* what to say when the peer closes */
	const char *(*reason)(void); /* what to say of OpenSSL's error */
};

/* The handshake, in the state (accept or connect) that was set. NULL when it is done, else why it failed. */
const char *child_shake_hands(SSL *ssl, const struct child_handshake *h);

#endif
