/* The sockets authd/lookup and authd/ticket: ARCHITECTURE.md has their packets. */
#ifndef AUTHD_LOOKUP_H
#define AUTHD_LOOKUP_H

#include "authd/inquiry.h"
#include "authd/outgoing.h"
#include "authd/tickets.h"
#include "lib/ipc/server.h"

struct lookup_service {
	struct service    service; /* first */
	struct inquiries *inquiries;
	struct outgoing  *outgoing;
	struct peers      senders, tellers; /* who may count recipients; who may tell of mailboxes */
};

struct ticket_service {
	struct service    service; /* first */
	struct inquiries *inquiries;
	struct tickets   *tickets;
};

bool lookup_start(struct lookup_service *s);
bool ticket_start(struct ticket_service *s);

#define LOOKUP_TAG_MOST 64

/* A tag is the asker's, but it comes back in a packet: it must be short. */
bool lookup_tag_ok(const char *tag);
/* "ok TAG fields", "no TAG", "later TAG why": one answer made of a resolution. */
void lookup_answer(struct connection *c, const char *tag, const struct resolution *r, enum verdict v);
void lookup_answer_later(struct connection *c, const char *tag, const char *why);

/* `rcpts T ADDRESS...` (lookup_many.c): answered with two fields for each, in order. False: malformed. */
bool lookup_many(struct connection *c, const char *tag, struct packet *p);
/* The asker is going. */
void lookup_many_forget(struct inquiries *inquiries, const struct connection *c);

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
