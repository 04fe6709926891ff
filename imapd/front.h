/*
 * The conversation before login (postern-imapd): its state and its answers.
 * What it may do ends where a ticket is there: front_login.c hands the client
 * over to postern-imap.
 */
#ifndef IMAPD_FRONT_H
#define IMAPD_FRONT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "imapd/gather.h"
#include "imapd/parse.h"
#include "lib/sasl/login.h"

#define FRONT_CLIENT       0     /* the client's connection: standard input and output */
#define FRONT_COMMAND_MOST 16384 /* bytes of a command before login, literals and all */
#define FRONT_LITERAL_MOST 4096  /* a user name or password */
#define FRONT_SCRATCH_MOST 32768
#define FRONT_FAILURES     3     /* wrong passwords in one connection */
#define FRONT_MISTAKES     20    /* BADs in one connection */
#define FRONT_IDLE         60000 /* ms without a byte */
#define FRONT_TIME         300000 /* ms from the greeting to the login */
#define FRONT_TLS_TIME     30000

struct front {
	struct input   in;
	struct output  out;
	struct gather  gather;
	struct scratch scratch;
	struct login   login;
	int            tlsd, session; /* sockets opened before the confinement, or -1 */
	bool           encrypted;
	bool           plain_without_tls;
	bool           done;
	unsigned       failures, mistakes;
	int64_t        deadline; /* clock_ms() */
	const char    *hostname;
	char           id[9];    /* of this conversation, in all log lines */
	char           address[INET6_ADDRSTRLEN];
};

/* Prepares the state: the client on descriptor 0, sockets none. */
void front_open(struct front *f);
/* Finds out who is there: TCPREMOTEIP of tcpserver and tcpsvd, or the socket's peer. */
void front_find_address(struct front *f);
/* TLS from the first byte or after STARTTLS. False: the connection is of no more use. */
bool front_encrypt(struct front *f);
/* Tells authd who is there and learns the mechanisms. */
enum login_result front_hello(struct front *f);
/* Greets and serves until the end or the login. */
void front_serve(struct front *f);

/* Whether a password may be sent over this connection. */
bool front_may_login(const struct front *f);
/* "CAPABILITY IMAP4rev1 ..." as it is now. */
void front_capability(struct front *f);
/* "TAG OK text", "TAG NO text" and so on. */
void front_answer(struct front *f, struct slice tag, const char *status, const char *text);
/* A BAD with the parser's error; the conversation ends after too many. */
void front_bad(struct front *f, struct slice tag, const char *error);
/* "* BYE text" and the end. */
void front_bye(struct front *f, const char *text);

/* One gathered command: finds it in the table and does it. */
void front_command(struct front *f);

/* LOGIN and AUTHENTICATE behind their names. */
void front_login(struct front *f, struct slice tag, struct parser *p);
void front_authenticate(struct front *f, struct slice tag, struct parser *p);

#endif
