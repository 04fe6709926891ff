/* The sockets authd/lookup and authd/ticket: ARCHITECTURE.md has their packets. */
#ifndef AUTHD_LOOKUP_H
#define AUTHD_LOOKUP_H

#include "authd/clients.h"
#include "authd/inquiry.h"
#include "authd/outgoing.h"
#include "authd/tickets.h"
#include "lib/ipc/server.h"

struct lookup_service {
	struct service    service; /* first */
	struct inquiries *inquiries;
	struct outgoing  *outgoing;
	struct clients   *clients;
	struct peers      senders, tellers; /* who may count recipients; who may tell of mailboxes */
	struct peers      fronts, counted;  /* who may have clients counted; of these, who may do nothing else */
	struct peers      relaying;         /* who may have passwords for relay hosts, and nothing else */
};

struct lookup_connection {
	struct connection   connection; /* first */
	struct client_lease lease;
};

struct ticket_service {
	struct service    service; /* first */
	struct inquiries *inquiries;
	struct tickets   *tickets;
};

bool lookup_start(struct lookup_service *s);
bool ticket_start(struct ticket_service *s);

#define LOOKUP_TAG_MOST 64

/* "ok TAG fields", "no TAG", "later TAG why": one answer made of a resolution. */
void lookup_answer(struct connection *c, const char *tag, const struct resolution *r, enum verdict v);
void lookup_answer_later(struct connection *c, const char *tag, const char *why);

/* `rcpts T ADDRESS...` (lookup_many.c): answered with two fields for each, in order. False: malformed. */
bool lookup_many(struct connection *c, const char *tag, struct packet *p);
/* The asker is going. */
void lookup_many_forget(struct inquiries *inquiries, const struct connection *c);
/* --- clients of the fronts (lookup_clients.c) ---
 * Each takes the packet behind its tag. False: malformed, or not for this peer. */

/* May this client have one more connection? It is counted until this one ends, or is another's. */
bool lookup_client(struct connection *c, const char *tag, struct packet *p);
/* Was this fast enough? */
bool lookup_rate(struct connection *c, const char *tag, struct packet *p);
void lookup_client_gone(struct connection *c);
bool lookup_is_front(const struct connection *c);

/* --- requests that are the administrator's, or that tell something (lookup_admin.c) ---
 * Each takes the packet behind its tag. False: malformed, or not for this peer. */

/* What happens for a question, step by step: `story T LINE...`, then the answer. */
bool lookup_explain(struct connection *c, const char *tag, struct packet *p);
/* Forgets what SQL said. */
bool lookup_flush(struct connection *c, const char *tag, struct packet *p);
/* `ok T NAME NUMBER NAME NUMBER ...` */
bool lookup_counters(struct connection *c, const char *tag, struct packet *p);
/* A login's outgoing recipients: may they go? */
bool lookup_outgoing(struct connection *c, const char *tag, struct packet *p);
/* deliver and the sessions tell the size of a mailbox. */
bool lookup_usage(struct connection *c, const char *tag, struct packet *p);

#endif
