/* A child: one TLS connection from the first byte of its handshake to its end. */
#ifndef TLSD_CHILD_H
#define TLSD_CHILD_H

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

#endif
