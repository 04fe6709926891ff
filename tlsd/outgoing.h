/*
 * The outgoing side: postern-remote hands a connection to another host over the
 * socket tlsd/client and gets a plain stream back. A child a connection, as on
 * the server's side; it holds no key and needs none.
 *
 *     connect T POLICY NAMES [TLSA]...   + the connected descriptor
 *     ok T VERSION CIPHER HOW NOTE       + a plain stream
 *     no T WHY [certificate]
 *
 * POLICY: `may` and `encrypt` take any certificate, `verify` wants one that
 * leads to tls_ca_file and bears one of NAMES, `dane` one that a TLSA matches.
 * NAMES: with commas between; the first is sent as SNI and is the TLSA's base
 * domain; one that begins with a dot stands for all hosts beneath it. TLSA:
 * "USAGE SELECTOR MATCHING HEX". HOW: `verified`, `dane` or `unverified`; NOTE:
 * what the certificate lacks. `certificate`: all was well but that.
 */
#ifndef TLSD_OUTGOING_H
#define TLSD_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#define OUTGOING_SOCKET    "tlsd/client"
#define OUTGOING_CA_FILE   "/etc/ssl/certs/ca-certificates.crt"
#define OUTGOING_TLSA_MOST 64

enum outgoing_policy { OUTGOING_MAY, OUTGOING_ENCRYPT, OUTGOING_VERIFY, OUTGOING_DANE };

/* What is asked for. The texts are the packet's. */
struct outgoing {
	int                  peer;      /* the other host */
	int                  requester; /* the conversation with postern-remote */
	const char          *tag;
	enum outgoing_policy policy;
	const char          *names;
	size_t               tlsa_count;
	const char          *tlsa[OUTGOING_TLSA_MOST];
	SSL_CTX             *context;
	size_t               inherited; /* bytes of memory that the server side's certificates take */
	int                  handshake_timeout; /* ms */
};

/* --- the acceptor (outgoing.c) -------------------------------------------------------------- */

/*
 * Reads the CAs and makes the rules, before the files are out of reach. A
 * default file that does not exist is no mistake: nobody is verified then.
 * False, logged.
 */
bool outgoing_prepare(const char *ca_file);
/* Serves the listening socket on the loop; the timeout in ms. */
bool outgoing_start(int listening, int handshake_timeout);

/* --- a child (outgoing_child.c) ------------------------------------------------------------- */

/* In a process of its own, fresh from fork(2); closes all other descriptors, confines itself. */
_Noreturn void outgoing_run(const struct outgoing *o);

/* --- certificates (outgoing_verify.c) -------------------------------------------------------- */

/* Sets policy, names and TLSA records. NULL, or why it cannot be done. */
const char *outgoing_expect(SSL *ssl, const struct outgoing *o);

#define OUTGOING_NOTE_MOST 400

struct outgoing_verdict {
	bool        ok;   /* the policy is content */
	const char *how;  /* HOW */
	char        note[OUTGOING_NOTE_MOST + 1]; /* what is wrong with the certificate, printable ASCII; "" for nothing */
};

/* After the handshake. */
void outgoing_judge(SSL *ssl, const struct outgoing *o, struct outgoing_verdict *v);

#endif
