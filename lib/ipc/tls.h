/*
 * The client side of tlsd: hands a connected descriptor over and gets a plain
 * socket back. Packets as in ARCHITECTURE.md.
 */
#ifndef IPC_TLS_H
#define IPC_TLS_H

#include <stdbool.h>
#include <stddef.h>

#define TLS_BINDING_MOST 511

struct tls_facts {
	char version[16];     /* "TLSv1.3" */
	char cipher[64];      /* "TLS_AES_256_GCM_SHA384" */
	char server_name[256]; /* SNI, "" when none was sent */
	char client_name[256]; /* login name of a verified client certificate, "" when none */
	char binding[TLS_BINDING_MOST + 1]; /* channel bindings, NAME=BASE64 with spaces between, "" when none */
	char reason[256];     /* when it failed: why, for the log */
};

/*
 * Server side: `fd` is the client's connection, of which no byte of TLS has
 * been read. `tlsd` is a connection to "tlsd/server", used once. Returns the
 * plain socket (a stream; its end is the end of TLS) or -1 with facts->reason.
 * The caller closes `fd`, in both cases. Waits at most `timeout` milliseconds
 * for the whole handshake. `tag`, the session's id, stands in tlsd's log.
 */
int tls_accept(int tlsd, int fd, const char *tag, int timeout, struct tls_facts *facts);

/* What the other host is asked for (tlsd/outgoing.h says more). */
struct tls_wish {
	const char        *policy; /* "may", "encrypt", "verify", "dane" */
	const char        *names;  /* with commas between; the first is sent as SNI, and is the base domain of the TLSA records */
	size_t             tlsa_count;
	const char *const *tlsa;   /* "USAGE SELECTOR MATCHING HEX" */
	const char        *tag;    /* the message's queue id: it stands in tlsd's log */
};

struct tls_peer {
	char version[16], cipher[64];
	char how[16];     /* "verified", "dane", "unverified" */
	char note[512];   /* what the certificate lacks; "" for nothing */
	char reason[512]; /* when it failed: why */
	bool certificate; /* it failed for the certificate's sake alone */
};

/*
 * Client side: the same for a connection to another host that waits for our
 * handshake. `tlsd` is a connection to "tlsd/client", used once.
 */
int tls_connect(int tlsd, int fd, int timeout, const struct tls_wish *wish, struct tls_peer *peer);

#endif
