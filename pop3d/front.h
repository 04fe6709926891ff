/*
 * The POP3 conversation before login (postern-pop3d): state AUTHORIZATION of
 * RFC 1939. Where a ticket is there, front_login.c hands the client over to
 * postern-pop3, which answers the command.
 */
#ifndef POP3D_FRONT_H
#define POP3D_FRONT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/stream.h"
#include "lib/base/str.h"
#include "lib/sasl/login.h"

#define FRONT_CLIENT    0      /* the client's connection: standard input and output */
#define FRONT_LINE_MOST LOGIN_BLOB_MOST
#define FRONT_USER_MOST 512    /* bytes of a user name */
#define FRONT_FAILURES  3      /* wrong passwords in one connection */
#define FRONT_MISTAKES  20     /* other errors in one connection */
#define FRONT_IDLE      60000  /* ms without a byte */
#define FRONT_TIME      300000 /* ms from the greeting to the login */
#define FRONT_TLS_TIME  30000

struct front {
	struct input  in;
	struct output out;
	struct login  login;
	struct str    user;           /* of USER; empty: none yet */
	int           tlsd, session;  /* sockets opened before the confinement, or -1 */
	bool          encrypted;
	bool          plain_without_tls;
	bool          done;
	unsigned      failures, mistakes;
	int64_t       deadline;       /* clock_ms() */
	const char   *hostname;
	char          id[9];          /* of this conversation, in all log lines */
	char          address[INET6_ADDRSTRLEN];
};

/* Prepares the state: the client on descriptor 0, sockets none. */
void front_open(struct front *f);
/* Finds out who is there: TCPREMOTEIP of tcpserver and tcpsvd, or the socket's peer. */
void front_find_address(struct front *f);
/* TLS from the first byte or after STLS; what was read before is forgotten. False: the connection is of no more use (logged). */
bool front_encrypt(struct front *f);
/* Tells authd who is there and learns the mechanisms. */
enum login_result front_hello(struct front *f);
/* Greets and serves until the end or the login. */
void front_serve(struct front *f);

/* Whether a password may be sent over this connection. */
bool front_may_login(const struct front *f);
/* "+OK text" or "-ERR text" */
void front_ok(struct front *f, const char *text);
void front_error(struct front *f, const char *text);
/* An error that counts: after too many the conversation ends. */
void front_mistake(struct front *f, const char *text);
/* The next line of the client without its end. False: the conversation is over. */
bool front_line(struct front *f, struct slice *line);

/* Commands that log in, with what is behind their names (front_login.c). */
void front_user(struct front *f, struct slice argument);
void front_pass(struct front *f, struct slice argument);
void front_auth(struct front *f, struct slice argument);

#endif
