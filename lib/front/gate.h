/*
 * The gate: a client's conversation from its connection to the login, as far
 * as postern-imapd and postern-pop3d have it alike. What is said to the client
 * is each program's own. What the gate may do ends where a ticket is there: the
 * client then goes over to its session.
 */
#ifndef FRONT_GATE_H
#define FRONT_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/program.h"
#include "lib/base/stream.h"
#include "lib/front/lease.h"
#include "lib/front/neighbour.h"
#include "lib/front/peer.h"
#include "lib/ipc/tls.h"
#include "lib/sasl/login.h"

/* Budgets of one conversation. */
#define GATE_FAILURES 3      /* wrong passwords */
#define GATE_MISTAKES 20     /* other errors of the client */
#define GATE_IDLE     60000  /* ms without a byte */
#define GATE_TIME     300000 /* ms from the start to the login */
#define GATE_TLS_TIME 30000  /* ms for the handshake */

struct gate {
	const char   *service;         /* authd's name of it: "imap" */
	const char   *daemon;          /* where its sessions are: "imap/session" */
	struct input  in;
	struct output out;
	struct login  login;
	int           tlsd, session;   /* made before the confinement; -1: not there */
	struct neighbour authd;        /* authd/lookup: he is counted while it is open */
	struct lease  lease;
	bool          plain_without_tls;
	const char   *proxy_networks;  /* of PROXY_SETTING */
	bool          encrypted;
	struct tls_facts tls;          /* when it is */
	bool          done;            /* no more commands */
	unsigned      failures, mistakes;
	int64_t       deadline;        /* clock_ms() */
	char          id[9];           /* in all log lines */
	struct peer   peer;
};

/* Puts the log beside the client (lib/front/syslog.h) and takes the one option of such a program: true for "--tls". */
bool gate_arguments(const struct program *p, int argc, char **argv);
/*
 * Finds out who the client on descriptors 0 and 1 is and connects to authd,
 * tlsd and the sessions; one that is away is logged and -1, the conversation can
 * say so. plain_without_tls and proxy_networks are set before; with `tls`, TLS is there from the first byte.
 */
void gate_open(struct gate *g, const char *service, const char *daemon, bool tls);

/*
 * The first step after the confinement: reads what a balancer says of the
 * client, where it is one, and has him counted. False: the conversation ends
 * (logged), and where `*why` is not NULL the client may be told so in the clear.
 */
bool gate_arrive(struct gate *g, const char **why);

/* Counts one TLS session (before gate_encrypt()) or try to log in of this client's. False, logged: that was too fast. */
bool gate_allows(struct gate *g, enum lease_kind kind);
/* Goes on in TLS; all that was read before is forgotten. False: the conversation is over without an answer (logged). */
bool gate_encrypt(struct gate *g);
/* Tells authd who is there and learns the mechanisms, at the start and after STARTTLS. False, logged: come again later. */
bool gate_hello(struct gate *g);

/* Whether a password may be sent over this connection. */
bool gate_may_login(const struct gate *g);
/* Counts an error of the client, which has been answered. False: that was one too many (logged), say so and end. */
bool gate_mistake(struct gate *g);

enum exchange {
	EXCHANGE_OVER,      /* authd has decided: gate_conclude() */
	EXCHANGE_CANCELLED, /* the client said "*" */
	EXCHANGE_BROKEN,    /* no line of the client: done is set, `*why` says how */
};

/* Carries authd's challenges ("+ BLOB", RFC 3501 section 6.2.2, RFC 5034 section 4) and the client's responses. Frees the answer unless OVER. */
enum exchange gate_exchange(struct gate *g, struct login_answer *answer, enum input_result *why);

enum conclusion {
	CONCLUSION_GONE,    /* logged in; the session answers and nothing may be said here, done is set */
	CONCLUSION_LATER,   /* temporary trouble, the client's next try may do */
	CONCLUSION_REFUSED, /* wrong user or password; done is set after too many */
};

/* What follows from authd's verdict, logged. `command`: of struct handover. Frees the answer. */
enum conclusion gate_conclude(struct gate *g, struct slice command, struct login_answer *answer);

#endif
